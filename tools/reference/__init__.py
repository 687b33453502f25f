"""The pages of docs/reference, made from the code that they describe: one module per page, each with `render() -> str`."""
