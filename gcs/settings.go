package gcs

import (
	"encoding"
	"errors"
	"strings"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

func init() {
	// gs is what Google's tools and Litestream say, gcs what Type says.
	d := &driver{table()} // two names of one
	ltxstore.Register("gs", d)
	ltxstore.Register("gcs", d)
}

// driver opens gs:// and gcs:// URLs, and replicas of these types.
type driver struct{ settings.Table[Config] }

// Open implements ltxstore.Driver.
func (d driver) Open(src ltxstore.Source) (ltxstore.ReplicaClient, bool, error) {
	return settings.Open(d.Table, settings.Source(src), func(cfg *Config) error { return cfg.validate() },
		func(cfg Config) ltxstore.ReplicaClient { return NewReplicaClient(cfg) })
}

type row = settings.Row[Config]

func table() settings.Table[Config] {
	var rows []row
	for _, group := range [][]row{placeRows(), connectionRows(), transferRows(), objectRows()} {
		rows = append(rows, group...)
	}
	return settings.Table[Config]{
		Rows:  rows,
		Place: placeOf,
		Exclude: [][2]string{
			{"credentials-file", "credentials-json"},
			{"sse-customer-key", "sse-customer-key-path"},
		},
		CodeOnly: []string{"RoundTripper", "Client", "Logger"},
	}
}

func placeRows() []row {
	return []row{
		{Name: "bucket", Default: "required", Help: "The bucket's name.",
			To: settings.Text(func(c *Config) *string { return &c.Bucket })},
		{Name: "path", Default: "the bucket's root", Help: "The replica's path in the bucket.",
			To: settings.Text(func(c *Config) *string { return &c.Path })},
		{Name: settings.LayoutName, Default: "`default`", Help: "How files are named. `auto` looks at what the replica holds.",
			To: settings.Layout(func(c *Config) encoding.TextUnmarshaler { return &c.Layout })},
		{Name: "endpoint", Default: "`STORAGE_EMULATOR_HOST`, or Google", Help: "The URL of another service that speaks Google's JSON API.",
			To: settings.Text(func(c *Config) *string { return &c.Endpoint })},
		{Name: "credentials-file", Default: "the application default credentials", Help: "A file of credentials as Google's tools write it.",
			To: settings.Text(func(c *Config) *string { return &c.CredentialsFile })},
		{Name: "credentials-json", Secret: true, Default: "as above", Help: "The content of such a file.",
			To: settings.Func("JSON", func(c *Config) any { return &c.CredentialsJSON }, func(c *Config, text string) error {
				c.CredentialsJSON = []byte(text)
				return nil
			})},
		{Name: "anonymous", Default: "false, but for an `endpoint` without credentials", Help: "Send no credentials.",
			To: settings.Bool(func(c *Config) *bool { return &c.Anonymous })},
		{Name: "quota-project", Default: "none", Help: "The project that requests are billed to.",
			To: settings.Text(func(c *Config) *string { return &c.QuotaProject })},
	}
}

func connectionRows() []row {
	return []row{
		{Name: "skip-verify", Default: "false", Help: "Accept any TLS certificate: for tests.",
			To: settings.Bool(func(c *Config) *bool { return &c.InsecureSkipVerify })},
		{Name: "ca-bundle", Default: "the system's", Help: "A file of PEM certificates that are trusted instead of the system's.",
			To: settings.Text(func(c *Config) *string { return &c.CABundle })},
		{Name: "max-conns", Default: "no bound", Help: "Connections to the service at once.",
			To: settings.Int(func(c *Config) *int { return &c.MaxConns })},
		{Name: "max-idle-conns", Default: "what the concurrencies can use", Help: "Connections that are kept for the next request.",
			To: settings.Int(func(c *Config) *int { return &c.MaxIdleConns })},
		{Name: "idle-conn-timeout", Default: "90s", Help: "For how long they are kept.",
			To: settings.Duration(func(c *Config) *time.Duration { return &c.IdleConnTimeout })},
		{Name: "idle-timeout", Default: "1m", Help: "How long a transfer may make no progress.",
			To: settings.Duration(func(c *Config) *time.Duration { return &c.IdleTimeout })},
		{Name: "response-timeout", Default: "1m", Help: "How long a request may wait for the beginning of its answer.",
			To: settings.Duration(func(c *Config) *time.Duration { return &c.ResponseTimeout })},
		{Name: "retry-max-attempts", Default: "10", Help: "How often a request is tried in all.",
			To: settings.Int(func(c *Config) *int { return &c.Retry.MaxAttempts })},
		{Name: "retry-base-delay", Default: "100ms", Help: "The bound of the first wait; each further one is twice the one before.",
			To: settings.Duration(func(c *Config) *time.Duration { return &c.Retry.BaseDelay })},
		{Name: "retry-max-delay", Default: "20s", Help: "The bound of every wait.",
			To: settings.Duration(func(c *Config) *time.Duration { return &c.Retry.MaxDelay })},
	}
}

func transferRows() []row {
	return []row{
		{Name: "chunk-size", Default: "8MiB", Help: "Bytes of a large upload that are sent, and held in memory, at once: a multiple of 256 KiB.",
			To: settings.Size(func(c *Config) *int64 { return &c.ChunkSize })},
		{Name: "upload-threshold", Default: "`chunk-size`", Help: "Bytes up to which a body goes in one request.",
			To: settings.Size(func(c *Config) *int64 { return &c.UploadThreshold })},
		{Name: "metadata-concurrency", Default: "32", Help: "Headers read at once in a listing, where another tool's copy has lost the times.",
			To: settings.Int(func(c *Config) *int { return &c.MetadataConcurrency })},
		{Name: "read-concurrency", Default: "1", Help: "Ranges of a large file read at once.",
			To: settings.Int(func(c *Config) *int { return &c.ReadConcurrency })},
		{Name: "delete-concurrency", Default: "64", Help: "Deletions under way at once.",
			To: settings.Int(func(c *Config) *int { return &c.DeleteConcurrency })},
		{Name: "page-size", Default: "1000", Help: "Files listed in one request.",
			To: settings.Int(func(c *Config) *int { return &c.PageSize })},
	}
}

func objectRows() []row {
	return []row{
		{Name: "storage-class", Default: "the bucket's", Help: "The storage class of new objects.",
			To: settings.Text(func(c *Config) *string { return &c.StorageClass })},
		{Name: "kms-key-name", Default: "the bucket's", Help: "The customer-managed key of new objects.",
			To: settings.Text(func(c *Config) *string { return &c.KMSKeyName })},
		{Name: "sse-customer-key", Secret: true, Default: "none", Help: "A customer-supplied key of 32 bytes, in base64.",
			To: settings.Base64(func(c *Config) *[]byte { return &c.SSECustomerKey })},
		{Name: "sse-customer-key-path", Default: "none", Help: "A file that holds the key, raw or in base64.",
			To: settings.Text(func(c *Config) *string { return &c.SSECustomerKeyFile })},
		{Name: "write-once", Default: "false", Help: "Refuse to replace a file by other content.",
			To: settings.Bool(func(c *Config) *bool { return &c.WriteOnce })},
	}
}

// placeOf reads gs://BUCKET/PATH.
func placeOf(u settings.URL) (map[string]string, error) {
	switch {
	case u.HasUser:
		return nil, errors.New("the URL has a user before its bucket: want credentials-file, or the application default credentials")
	case u.Host == "":
		return nil, errors.New("the URL names no bucket: want gs://BUCKET/PATH")
	}
	place := map[string]string{"bucket": u.Host}
	if path := strings.TrimPrefix(u.Path, "/"); path != "" {
		place["path"] = path
	}
	return place, nil
}
