"""What the paper shows in pictures: figures from a model and real images."""
