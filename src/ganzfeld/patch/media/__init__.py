"""Files and devices that patches name: films, cameras, pictures, scripts, upscaling networks."""
