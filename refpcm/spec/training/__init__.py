"""Training: what is done to images and weights in one step; the loop around it is a program, `refpcm.training`."""
