"use strict";
// The page of `pipeline/page/app.py`: it draws, and asks the server for everything that lasts.

const ORDER = [0, 1, -1];
const SIGN = { "1": "+", "0": "0", "-1": "−" };
const WORD = { "1": "in front", "0": "level", "-1": "occluded" };
const KIND = { "1": "front", "0": "level", "-1": "hidden" };
const REACH = 14; // px of the screen around a limb or a joint that count as a hit
const byId = (id) => document.getElementById(id);
const canvas = byId("canvas");
const pen = canvas.getContext("2d");

let known; // what /api/photos says
let at = -1; // number of the photo
let photo = null; // what /api/photo says of it
let opened = 0; // how often a photo was opened
let picture = null; // the image, or null where it cannot be shown
let limb = 0; // the chosen one
let studio = false;
let also = new Set(); // in the studio, names of more photos of the person
let pose = null; // in the studio: { joints, labels }
let motion = null; // in the studio, what /api/motion says of the photo while a motion is looked at
let playing = 0; // the number of the run that plays it, 0: it stands still
let runs = 0;
let scale = 1; // px of the canvas per px of the photo
let undone = []; // { number, labels, after }: as they were before each change, and after it
let saving = Promise.resolve();

// ---- talking to the server

async function ask(path, options) {
  const answer = await fetch(path, options);
  if (!answer.ok) throw new Error(await answer.text());
  return answer;
}

function say(text, bad = false) {
  byId("status").textContent = text;
  byId("status").classList.toggle("bad", bad);
}

function asJson(method, content) {
  return { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(content) };
}

function save(number, labels, before) { // whether they are on disk; where not, the photo is shown as it is there
  const name = known.photos[number].name;
  say("saving …");
  const saved = saving.then(async () => {
    try {
      const state = await (await ask(`api/labels/${encodeURIComponent(name)}`, asJson("PUT", { labels, before }))).json();
      Object.assign(known.photos[number], { done: state.done, labels });
      say("saved");
      showProgress(state.labelled, state.of);
      showList();
      return true;
    } catch (error) {
      const gone = error instanceof TypeError;
      undone = undone.filter((one) => one.number !== number);
      say(gone ? "not saved: the server is gone; start it again and reload" : error.message, true);
      if (!gone) await open(number, true);
      else if (isOpen() && at === number) {
        photo.labels = known.photos[number].labels;
        show();
      }
      return false;
    }
  });
  saving = saved.catch(() => false);
  return saved;
}

// ---- labels

const isOpen = () => photo !== null && photo.name === known.photos[at].name; // else the next one is on its way: an answer must not go to it
const label = (number) => (studio ? pose.labels[number] : photo.labels[number]);
const guessed = (number) => (photo.guess ? photo.guess[number] : null);
const isThere = (number) => !photo.error && (motion ?? photo).visible[number];

function turn(number) {
  if (!isOpen() || !isThere(number)) return;
  const now = label(number);
  set(number, now === null ? guessed(number) ?? 0 : ORDER[(ORDER.indexOf(now) + 1) % ORDER.length]);
}

function set(number, value) {
  if (!isOpen() || !isThere(number)) return;
  limb = number;
  if (motion) {
    labelStretch(number, value);
  } else if (studio) {
    pose.labels[number] = value;
    paint();
  } else {
    change(photo.labels.map((old, other) => (other === number ? value : old)));
  }
  show();
}

function change(labels) {
  const before = photo.labels;
  undone.push({ number: at, labels: before, after: labels });
  photo.labels = labels;
  return save(at, labels, before);
}

const same = (one, other) => one.every((value, number) => value === other[number]);

async function accept() {
  if (!isOpen() || photo.error || studio) return;
  const labels = photo.labels.map((old, number) => (photo.visible[number] ? old ?? guessed(number) ?? 0 : old));
  if (!same(labels, photo.labels) && !(await change(labels))) return;
  await nextUnlabelled();
}

async function undo() {
  const last = undone.pop();
  if (!last) return say("nothing to undo");
  if (last.number !== at) await open(last.number);
  if (!isOpen() || at !== last.number) return;
  if (!same(photo.labels, last.after)) return say("not undone: somebody else changed these labels since", true);
  photo.labels = last.labels;
  show();
  await save(at, last.labels, last.after);
}

async function nextUnlabelled() {
  await saving;
  for (let step = 1; step <= known.photos.length; step++) {
    const number = (at + step) % known.photos.length;
    if (!known.photos[number].done) return open(number);
  }
  say("every photo is labelled");
}

// ---- opening a photo

async function open(number, keepStatus = false) {
  const mine = ++opened;
  if (!keepStatus) { // a photo whose answer is on its way is shown with it
    at = (number + known.photos.length) % known.photos.length;
    await saving;
    if (mine !== opened) return;
  }
  at = (number + known.photos.length) % known.photos.length;
  const name = known.photos[at].name;
  let next, image = null;
  try {
    next = await (await ask(`api/photo/${encodeURIComponent(name)}`)).json();
  } catch (error) {
    if (mine === opened) say(error instanceof TypeError ? "the server is gone; start it again and reload" : error.message, true);
    return;
  }
  if (!next.error) {
    image = new Image();
    image.src = `image/${encodeURIComponent(name)}`;
    try {
      await image.decode();
    } catch {
      image = null;
      next.error = `${name}: the picture cannot be shown`;
    }
  }
  if (mine !== opened) return; // another one was opened meanwhile
  const moved = motion !== null;
  if (photo && next.name !== photo.name) { // of the same person as long as one of the ticked ones is opened
    if (also.delete(next.name)) also.add(photo.name);
    else also.clear();
  }
  photo = next;
  leaveMotion();
  known.photos[at].labels = photo.labels;
  picture = image;
  limb = Math.max(0, photo.visible.indexOf(true));
  pose = startPose();
  if (!keepStatus) say(photo.no_guess ? `no guess: ${photo.no_guess}` : "");
  show();
  showList();
  if (moved) enterMotion();
  else if (studio) paint();
}

function startPose() {
  return { joints: photo.joints.map((joint) => joint && [...joint]), labels: photo.labels.map((value, number) => value ?? guessed(number) ?? 0) };
}

// ---- drawing

function show() {
  byId("name").textContent = photo.name;
  byId("trouble").hidden = !photo.error;
  byId("trouble").textContent = photo.error ? `${photo.error}. Go on with the next photo (n).` : "";
  canvas.hidden = Boolean(photo.error);
  if (!photo.error) draw();
  showLimbs();
}

function draw() {
  const room = byId("stage").getBoundingClientRect();
  const width = studio ? (room.width - 60) / 2 : room.width - 40;
  scale = Math.min(width / photo.width, (room.height - (studio ? 150 : 80)) / photo.height, 6);
  canvas.width = Math.round(photo.width * scale);
  canvas.height = Math.round(photo.height * scale);
  pen.globalAlpha = studio ? 0.35 : 1;
  if (picture) pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  pen.globalAlpha = 1;
  pen.lineCap = pen.lineJoin = "round";
  line(known.torso, "#9aa1ab", 2, [], true);
  line(known.head, "#7d828c", 3, []);
  for (const value of [-1, 0, 1]) {
    known.limbs.forEach((one, number) => {
      if ((label(number) ?? guessed(number) ?? 0) === value) drawLimb(one, number);
    });
  }
  if (studio) drawJoints();
}

function drawLimb(one, number) {
  const ends = one.joints.map(place);
  if (!ends[0] || !ends[1]) return;
  const said = label(number), shown = said ?? guessed(number);
  const colour = shown === null ? "#8b929c" : `rgb(${known.colours[shown]})`;
  const dashes = said === null ? [8, 9] : [];
  if (number === limb) line(one.joints, "rgba(31, 35, 40, 0.75)", 15, []);
  line(one.joints, "rgba(255, 255, 255, 0.85)", 11, []);
  line(one.joints, colour, said === null ? 5 : 7, dashes);
  const middle = [(ends[0][0] + ends[1][0]) / 2, (ends[0][1] + ends[1][1]) / 2];
  pen.fillStyle = "#fff";
  pen.beginPath();
  pen.arc(...middle, 10, 0, 2 * Math.PI);
  pen.fill();
  pen.fillStyle = colour;
  pen.font = "bold 15px system-ui, sans-serif";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(shown === null ? "?" : SIGN[shown], middle[0], middle[1] + 1);
}

function drawJoints() {
  pose.joints.forEach((joint, number) => {
    const spot = place(number);
    if (!spot) return;
    pen.beginPath();
    pen.arc(...spot, 5, 0, 2 * Math.PI);
    pen.fillStyle = "#fff";
    pen.strokeStyle = "#1f2328";
    pen.lineWidth = 1.5;
    pen.fill();
    pen.stroke();
  });
}

function place(joint) {
  const spot = (studio ? pose.joints : photo.joints)[joint];
  return spot && [(spot[0] + 0.5) * scale, (spot[1] + 0.5) * scale];
}

function line(joints, colour, width, dashes, closed = false) {
  const spots = joints.map(place).filter(Boolean);
  if (spots.length < 2) return;
  pen.beginPath();
  spots.forEach((spot, number) => (number ? pen.lineTo(...spot) : pen.moveTo(...spot)));
  if (closed) pen.closePath();
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.setLineDash(dashes);
  pen.stroke();
  pen.setLineDash([]);
}

function showLimbs() {
  byId("limbs").replaceChildren(...known.limbs.map((one, number) => {
    const said = label(number), shown = said ?? guessed(number), there = isThere(number);
    const button = document.createElement("button");
    button.disabled = !there;
    button.dataset.limb = one.key;
    button.setAttribute("aria-current", String(number === limb && there));
    button.append(element("kbd", String(number + 1)), element("span", one.name));
    const words = !there ? "not in the picture" : shown === null ? "?" : `${SIGN[shown]} ${WORD[shown]}`;
    const what = element("span", words, `what ${shown === null || !there ? "" : KIND[shown]} ${said === null ? "guess" : ""}`);
    button.append(what);
    button.setAttribute("aria-label", `${one.name}: ${words}${there && said === null ? ", not confirmed" : ""}`);
    button.addEventListener("click", () => turn(number));
    const row = document.createElement("li");
    row.append(button);
    return row;
  }));
}

function element(kind, text, className = "") {
  const made = document.createElement(kind);
  made.textContent = text;
  made.className = className;
  return made;
}

function showList() {
  byId("photos").replaceChildren(...known.photos.map((one, number) => {
    const button = element("button", one.name.length > 21 ? `…${one.name.slice(-20)}` : one.name, one.done ? "done" : "");
    button.title = one.name;
    button.setAttribute("aria-current", String(number === at));
    button.addEventListener("click", () => open(number));
    const row = document.createElement("li");
    row.append(button);
    if (studio && number !== at) row.append(tick(one.name));
    return row;
  }));
  byId("photos").querySelector("[aria-current=true]")?.scrollIntoView({ block: "nearest" });
}

function tick(name) { // for another photo of the same person
  const box = document.createElement("input");
  box.type = "checkbox";
  box.checked = also.has(name);
  box.title = "also shows this person";
  box.setAttribute("aria-label", `${name} also shows this person`);
  box.addEventListener("change", () => {
    if (box.checked) also.add(name);
    else also.delete(name);
    if (!motion) paint();
    else showFrame(frame());
  });
  return box;
}

function showProgress(labelled, of) {
  byId("bar").max = of;
  byId("bar").value = labelled;
  byId("count").textContent = `${labelled} of ${of} labelled`;
}

// ---- the pointer

function spotOf(event) {
  const box = canvas.getBoundingClientRect();
  return [(event.clientX - box.left) * canvas.width / box.width, (event.clientY - box.top) * canvas.height / box.height];
}

function nearestLimb([x, y]) {
  let best = null, least = REACH;
  known.limbs.forEach((one, number) => {
    const [from, to] = one.joints.map(place);
    if (!from || !to) return;
    const [ax, ay] = [to[0] - from[0], to[1] - from[1]];
    const share = Math.min(1, Math.max(0, ((x - from[0]) * ax + (y - from[1]) * ay) / (ax * ax + ay * ay || 1)));
    const away = Math.hypot(x - from[0] - share * ax, y - from[1] - share * ay);
    if (away < least) [best, least] = [number, away];
  });
  return best;
}

function nearestJoint([x, y]) {
  let best = null, least = 9;
  pose.joints.forEach((_, number) => {
    const spot = place(number);
    const away = spot ? Math.hypot(spot[0] - x, spot[1] - y) : Infinity;
    if (away < least) [best, least] = [number, away];
  });
  return best;
}

function hangingOn(joint) {
  const found = [joint];
  for (let number = 0; number < found.length; number++) {
    known.parents.forEach((parent, child) => { if (parent === found[number]) found.push(child); });
  }
  return found;
}

canvas.addEventListener("pointerdown", (event) => {
  const joint = studio && !motion ? nearestJoint(spotOf(event)) : null;
  if (joint === null) {
    const number = nearestLimb(spotOf(event));
    if (number !== null) turn(number);
    return;
  }
  canvas.setPointerCapture(event.pointerId);
  const moving = event.shiftKey ? [joint] : hangingOn(joint);
  let last = spotOf(event);
  const move = (moved) => {
    const now = spotOf(moved);
    for (const number of moving) {
      if (pose.joints[number]) pose.joints[number] = [0, 1].map((axis) => pose.joints[number][axis] + (now[axis] - last[axis]) / scale);
    }
    last = now;
    draw();
    paint();
  };
  canvas.addEventListener("pointermove", move);
  canvas.addEventListener("pointerup", () => canvas.removeEventListener("pointermove", move), { once: true });
});

// ---- the studio

let busy = false, again = false, painted = null;

function poseFile() {
  const joints = Object.fromEntries(known.joints.map((name, number) => [name, pose.joints[number]]));
  return { joints, labels: Object.fromEntries(known.limbs.map((one, number) => [one.key, pose.labels[number]])) };
}

function ofPerson(path, more = "") { // the address for the photo and the others of its person
  return `${path}/${encodeURIComponent(photo.name)}${more}?${new URLSearchParams([...also].map((name) => ["also", name]))}`;
}

async function paint() { // one request at a time, and of those that wait only the last
  if (busy) { again = true; return; }
  busy = true;
  try {
    do {
      again = false;
      const since = performance.now();
      const answer = motion ? await ask(ofPerson("api/motion", `/${frame()}`)) : await ask(ofPerson("api/paint"), asJson("POST", poseFile()));
      const old = byId("painting").src;
      painted = await answer.blob();
      byId("painting").src = URL.createObjectURL(painted);
      if (old) URL.revokeObjectURL(old);
      byId("taken").textContent = `painted in ${answer.headers.get("X-Milliseconds")} ms (${Math.round(performance.now() - since)} ms with the way here)`;
      if (!motion) say("");
    } while (again);
  } catch (error) {
    say(error.message, true);
  }
  busy = false;
}

function setMode(toStudio) {
  if (!photo || (toStudio && !known.studio)) return;
  studio = toStudio;
  byId("mode-label").setAttribute("aria-selected", String(!studio));
  byId("mode-studio").setAttribute("aria-selected", String(studio));
  leaveMotion();
  byId("painted").hidden = !studio;
  byId("motion-tools").hidden = !(studio && known.motions);
  byId("label-tools").hidden = studio;
  pose = startPose();
  show();
  showList();
  if (studio) paint();
}

async function poseOf(name) {
  const other = await (await ask(`api/photo/${encodeURIComponent(name)}`)).json();
  pose = { joints: other.joints, labels: other.labels.map((value, number) => value ?? (other.guess ? other.guess[number] : null) ?? 0) };
  draw();
  showLimbs();
  paint();
}

function keep(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// ---- a motion

const frame = () => Number(byId("frame").value);

async function enterMotion() {
  try {
    motion = await (await ask(ofPerson("api/motion"))).json();
  } catch (error) {
    return say(error.message, true);
  }
  const last = motion.frames.length - 1;
  for (const id of ["frame", "first", "last"]) byId(id).max = last;
  byId("first").value = 0;
  byId("last").value = last;
  byId("playing").hidden = false;
  byId("enter-motion").hidden = byId("studio-tools").hidden = true;
  showFrame(0);
}

function leaveMotion() {
  playing = 0;
  motion = null;
  byId("playing").hidden = true;
  byId("enter-motion").hidden = !known.motion;
  byId("studio-tools").hidden = !studio;
  showPlaying();
}

function showPlaying() {
  byId("play").textContent = playing ? "Stop" : "Play";
  byId("play").setAttribute("aria-pressed", String(playing > 0));
}

function showFrame(number) {
  byId("frame").value = number;
  byId("frame-number").textContent = `${number} of ${motion.frames.length - 1}`;
  pose = motion.frames[number];
  draw();
  showLimbs();
  return paint();
}

async function play() { // at its own rate: what is not painted in time is left out
  if (!motion) return;
  const run = playing = playing ? 0 : ++runs;
  showPlaying();
  const mine = motion, end = mine.frames.length - 1;
  const from = frame() === end ? 0 : frame(), since = performance.now();
  for (let number = from; run && playing === run && motion === mine;) {
    await showFrame(number);
    await new Promise((done) => requestAnimationFrame(done));
    if (number === end && playing === run) playing = 0;
    number = Math.min(from + Math.floor(((performance.now() - since) / 1000) * mine.fps), end);
  }
  showPlaying();
}

async function labelStretch(number, value) {
  const [start, stop] = ["first", "last"].map((id) => Number(byId(id).value));
  const mine = motion;
  try {
    await ask("api/motion", asJson("PATCH", { limb: known.limbs[number].key, start, stop, label: value }));
  } catch (error) {
    return say(error.message, true);
  }
  mine.frames.slice(start, stop + 1).forEach((one) => { one.labels[number] = value; });
  say(`${known.limbs[number].name}: ${WORD[value]} from frame ${start} to ${stop}`);
  if (motion === mine) showFrame(frame());
}

async function loadMotion(file) {
  try {
    await ask("api/motion", { method: "PUT", body: file });
  } catch (error) {
    return say(error.message, true);
  }
  known.motion = true;
  say("");
  await enterMotion();
}

async function saveFilm() {
  say("painting the video …");
  try {
    keep(await (await ask(ofPerson("api/motion", "/film"), { method: "POST" })).blob(), `${stem()}-motion.mp4`);
    say("the video is saved");
  } catch (error) {
    say(error.message, true);
  }
}

const stem = () => photo.name.replace(/\.[^.]*$/, "");
byId("save-pose").addEventListener("click", () => keep(new Blob([JSON.stringify(poseFile(), null, 2)], { type: "application/json" }), `${stem()}-pose.json`));
byId("save-picture").addEventListener("click", () => painted && keep(painted, `${stem()}-painted.png`));
byId("reset").addEventListener("click", () => { pose = startPose(); show(); paint(); });
byId("motion-file").addEventListener("change", (event) => event.target.files[0] && loadMotion(event.target.files[0]));
byId("frame").addEventListener("input", () => showFrame(frame()));
byId("play").addEventListener("click", play);
byId("save-film").addEventListener("click", saveFilm);
byId("save-motion").addEventListener("click", async () => keep(await (await ask("api/motion")).blob(), "motion.json"));
byId("leave-motion").addEventListener("click", () => { leaveMotion(); pose = startPose(); show(); paint(); });
byId("enter-motion").addEventListener("click", enterMotion);
byId("other").addEventListener("change", (event) => poseOf(event.target.value));
byId("mode-label").addEventListener("click", () => setMode(false));
byId("mode-studio").addEventListener("click", () => setMode(true));

// ---- keys

byId("accept").addEventListener("click", accept);
byId("undo").addEventListener("click", undo);
byId("next").addEventListener("click", nextUnlabelled);

function choose(step) {
  if (!photo) return;
  for (let number = limb + step; number >= 0 && number < known.limbs.length; number += step) {
    if (isThere(number)) { limb = number; return show(); }
  }
}

const KEYS = {
  Enter: accept,
  n: nextUnlabelled,
  u: undo,
  s: () => setMode(!studio),
  ArrowRight: () => open(at + 1),
  ArrowLeft: () => open(at - 1),
  ArrowUp: () => choose(-1),
  ArrowDown: () => choose(1),
  "+": () => set(limb, 1),
  "=": () => set(limb, 1),
  "0": () => set(limb, 0),
  "-": () => set(limb, -1),
  " ": play,
};

document.addEventListener("keydown", (event) => {
  if (!known || ["SELECT", "INPUT"].includes(event.target.tagName) || event.altKey) return;
  if ((event.ctrlKey || event.metaKey) && event.key === "z") { event.preventDefault(); undo(); return; }
  if (event.ctrlKey || event.metaKey) return;
  const number = /^[1-9]$/.test(event.key) ? Number(event.key) - 1 : -1;
  const action = number in known.limbs ? () => turn(number) : KEYS[event.key];
  if (!action || ([" ", "Enter"].includes(event.key) && event.target.tagName === "BUTTON")) return;
  event.preventDefault();
  action();
});

window.addEventListener("resize", () => photo && show());

async function begin() {
  known = await (await ask("api/photos")).json();
  byId("modes").hidden = !known.studio;
  byId("limb-keys").textContent = Math.min(known.limbs.length, 9);
  byId("other").replaceChildren(...known.photos.map((one) => element("option", one.name)));
  const without = known.without.length;
  const left = known.left_out;
  byId("without").textContent = [
    without ? `${without} more without keypoints: ${known.without.slice(0, 3).join(", ")}${without > 3 ? ", …" : ""}.` : "",
    left.length ? `${left.length} left out: ${left.slice(0, 3).map((one) => `${one.name}, ${one.reason}`).join("; ")}${left.length > 3 ? "; …" : ""}.` : "",
  ].join(" ").trim();
  showProgress(known.photos.filter((one) => one.done).length, known.photos.length);
  const first = known.photos.findIndex((one) => !one.done);
  await open(first < 0 ? 0 : first);
  if (first < 0) setMode(true); // nothing is left to label
  document.body.dataset.ready = "true";
}

begin().catch((error) => say(error.message, true));
