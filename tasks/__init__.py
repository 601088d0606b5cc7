"""What organisms are trained on. Files are collected by path; one may import from one beside it."""
