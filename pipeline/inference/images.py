"""Names of the images of a pair, as scores, cases and reports have them."""

# The images of a pair: the baselines without a network, doing nothing and painting each part's mean colour; the output of G1, and that
# of G1 + G2.
IMAGES = ("source", "by_part", "coarse", "refined")
WITHOUT_LIMBS = ("source", "coarse", "refined")  # of a joint set without body parts
