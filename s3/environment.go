package s3

import "errors"

// fromEnvironment adds the values of Litestream's variables that are neither in the URL
// nor in the file. AWS's variables take precedence; the SDK reads them, with the session
// token and the profile.
func (cfg *Config) fromEnvironment(getenv func(string) (string, bool)) error {
	if endpoint, _ := getenv("LITESTREAM_S3_ENDPOINT"); cfg.Endpoint == "" {
		cfg.Endpoint = withScheme(endpoint)
	}
	// Litestream copies each variable to that of AWS, unless it is set.
	either := func(name string) (value string, litestream bool) {
		if value, _ = getenv("AWS_" + name); value != "" {
			return value, false
		}
		value, _ = getenv("LITESTREAM_" + name)
		return value, value != ""
	}
	id, ours := either("ACCESS_KEY_ID")
	secret, oursToo := either("SECRET_ACCESS_KEY")
	if !ours && !oursToo || cfg.AccessKeyID != "" || cfg.SecretAccessKey != "" || cfg.Profile != "" {
		return nil
	}
	if id == "" || secret == "" {
		return errors.New("only one of LITESTREAM_ACCESS_KEY_ID and LITESTREAM_SECRET_ACCESS_KEY is set: want both, or neither")
	}
	cfg.AccessKeyID, cfg.SecretAccessKey = id, secret
	if cfg.SessionToken == "" {
		cfg.SessionToken, _ = getenv("AWS_SESSION_TOKEN")
	}
	return nil
}
