//! Bodies of the fuzz targets, here so that a stable test replays their corpora.
