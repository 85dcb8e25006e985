"""Make suites: write test cases of a function, validate them, and prove that programs can pass and fail them."""
