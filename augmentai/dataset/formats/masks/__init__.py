"""Images with masks: what is a mask, how it moves with its image, and a set of them written again."""
