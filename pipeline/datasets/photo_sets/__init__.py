"""Sets of photos as people hold them, brought into a folder that the graph of photos reads."""
