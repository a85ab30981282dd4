"""One command per DVC stage: `python -m stages.<name>`."""

import os

# Threads that wait for each other soon sleep instead of spinning: where another program wants a core, too, spinning makes a training
# step ten times as long. GNU OpenMP reads it when torch is loaded, hence here, before any stage.
os.environ.setdefault("GOMP_SPINCOUNT", "2000")
