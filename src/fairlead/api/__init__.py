"""HTTP edge: the request pipeline, dispatch and one module per noun."""
