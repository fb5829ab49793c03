"""What is deployed: manifests, images, and what each part of it may do."""
