"""Long work on engines: started by a page, run by a worker, watched by anybody who may, told to the end."""
