package replicatest

// Library keeps what several runs write, so that it is made once.
type Library = library

// Share makes cfg use files.
func Share(cfg Config, files *Library) Config {
	cfg.files = files
	return cfg
}
