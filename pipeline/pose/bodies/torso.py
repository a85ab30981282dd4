"""The shape of the torso, as far as the joints do not give it: capsules side by side, from the line of the shoulders to that of the hips.

Together they are as thick as the torso in the middle and thinner toward its sides.
"""

import numpy as np

# The capsules from the right side (-1) to the left side (1): how far apart they are at the shoulders and at the hips, as shares of the
# distance of the joints there (the chest is narrower than the shoulders), and their radii as shares of half the torso's thickness.
_SIDES = np.linspace(-1, 1, 5)
AT_SHOULDERS, AT_HIPS = 0.5 + 0.5 * 0.6 * _SIDES, 0.5 + 0.5 * 0.8 * _SIDES
PADDING = np.sqrt(1 - (0.9 * _SIDES) ** 2)
# How far below the line of the shoulders the capsules' axes begin, in radii; they end on the line of the hips.
TOP = 0.6
