"""When two images of a twin differ clearly: what the loss for the order of limbs and the score for it share."""

CLEAR_DIFFERENCE = 0.1  # of a pixel: mean over RGB, of the whole range from black to white; 25.5 grey levels
MIN_PIXELS = 30  # that differ clearly: fewer decide nothing
