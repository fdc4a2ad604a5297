"""What training leaves behind: bundles, and the exact fast form of their models."""
