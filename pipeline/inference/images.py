"""Names of the images of a pair, as scores, cases and reports have them."""

# The images of a pair: the baselines without a network, doing nothing and painting each part's mean colour; the output of G1, and that
# of G1 + G2; and what can be known at all (`evaluation/ceiling.py`).
IMAGES = ("source", "by_part", "coarse", "refined", "ceiling")
WITHOUT_DEPTH = IMAGES[:-1]  # of bodies whose true depth nobody knows
WITHOUT_LIMBS = ("source", "coarse", "refined")  # of a joint set without body parts
SETS = {len(images): images for images in (IMAGES, WITHOUT_DEPTH, WITHOUT_LIMBS)}  # by how many they are
