"""What the report calls the images of a pair, and in which colours it draws them."""

NAMES = {"source": "doing nothing", "by_part": "painted by part", "coarse": "coarse (G1)", "refined": "refined (G1 + G2)", "ceiling": "ceiling"}
COLOURS = {"source": "#9aa0a6", "by_part": "#3f9c6d", "coarse": "#e8a33d", "refined": "#2f5cd6", "ceiling": "#7d5ba6"}
