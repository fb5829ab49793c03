"""What turns the source into images, and images into a running Nightshift."""
