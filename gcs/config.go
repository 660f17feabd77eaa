package gcs

import (
	"fmt"
	"log/slog"

	"cloud.google.com/go/storage"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// Config is the location of a replica and the options for reading and writing
// it. Bucket is required; the zero value of every other field is its default. If
// a field is invalid, Init fails before any request, with the field's name, its
// value and what is expected.
//
// No fmt verb, JSON or log shows the secrets of a Config. But fmt does not call
// the methods of unexported fields: a struct with a Config in such a field needs
// its own Format method if it is printed.
type Config struct {
	// Bucket is the bucket's name.
	Bucket string `ltx:"bucket" match:"^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$" want:"a bucket's name: 3 to 222 lower-case letters, digits, dots, hyphens and underscores, with a letter or digit at both ends; a path belongs in Path" default:"required" help:"The bucket's name."`

	// Path is the replica's path in the bucket, cleaned by backend.CleanPath.
	// Empty is the bucket's root.
	Path string `ltx:"path,path" default:"the bucket's root" help:"The replica's path in the bucket."`

	// Layout names the files below Path. Replicas that Litestream wrote to Google
	// Cloud Storage have ltxstore.LayoutLitestream.
	Layout ltxstore.Layout `ltx:"layout" default:"'default'" help:"How files are named. 'auto' detects the layout of existing files."`

	// Endpoint is the URL of another service with Google's JSON API, such as an
	// emulator: https://host or http://host, with an optional port and no path
	// except /storage/v1. Empty is STORAGE_EMULATOR_HOST, if set, or Google.
	Endpoint string `ltx:"endpoint" default:"'STORAGE_EMULATOR_HOST', or Google" help:"The URL of another service that speaks Google's JSON API."`

	// CredentialsFile is a credentials file of Google's tools, and
	// CredentialsJSON the content of such a file; at most one of them may be
	// set. Without either, the application default credentials are used: those
	// of the file in GOOGLE_APPLICATION_CREDENTIALS, of gcloud, or of the machine.
	CredentialsFile string `ltx:"credentials-file" default:"the application default credentials" help:"A credentials file of Google's tools."`
	CredentialsJSON []byte `ltx:"credentials-json,kind=JSON,secret,not=credentials-file" default:"as above" help:"The content of such a file." json:"-"`

	// Anonymous sends no credentials. It is implied by an Endpoint or emulator
	// without CredentialsFile and CredentialsJSON.
	Anonymous bool `ltx:"anonymous" default:"false, but true for an 'endpoint' without credentials" help:"Send no credentials."`

	// QuotaProject is the project that requests are billed to.
	QuotaProject string `ltx:"quota-project" match:"^[^\\x00-\\x20\\x7f]*$" want:"a project's ID or number" default:"none" help:"The project that requests are billed to."`

	// HTTP configures the connections to the service, and to that for tokens.
	HTTP transport.Options `ltx:""`

	// Client, if not nil, is used as it is, for example to use gRPC. It has its
	// own credentials, endpoint and transport: these fields must then be zero.
	// It retries requests and resumes bodies in its own way, and may decompress
	// objects that another tool stored with a Content-Encoding. It is not
	// closed. Its responses are not checked as those of our own transport are:
	// an upload that was stored in part, or an empty document instead of a
	// listing, may go unnoticed. A missing file costs one more request. gRPC has
	// not been tested against a service.
	Client *storage.Client `ltx:"-"`

	// Transfer sets the sizes and the concurrency of transfers. A large upload
	// is sent in chunks, one after the other: PartSize is the size of a chunk,
	// which is held in memory, a multiple of 256 KiB up to 1 GiB. Concurrency
	// must be 0. UploadThreshold is at most 1 GiB, and PageSize 1000.
	// DeleteConcurrency is 64 by default, because each deletion is a request of
	// its own.
	Transfer object.Options `ltx:"" part-size:"chunk-size,max=1GiB;; Bytes of a large upload that are sent, and held in memory, at a time: a multiple of 256 KiB." upload-threshold:",max=1GiB; 'chunk-size'" concurrency:"-" delete-concurrency:"; 64; Deletions in progress at a time." page-size:",max=1000"`

	// StorageClass is the storage class of new objects. Empty is the bucket's
	// default.
	StorageClass string `ltx:"storage-class" match:"^[A-Z_]{1,64}$" want:"a class such as \"NEARLINE\"" default:"the bucket's" help:"The storage class of new objects."`

	// KMSKeyName is the customer-managed key of new objects:
	// projects/P/locations/L/keyRings/R/cryptoKeys/K. Empty is the bucket's
	// default.
	KMSKeyName string `ltx:"kms-key-name" match:"^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$" want:"projects/P/locations/L/keyRings/R/cryptoKeys/K" default:"the bucket's" help:"The customer-managed key of new objects."`

	// SSECustomerKey is a customer-supplied key of 32 bytes, which the service
	// does not store. It is sent with every request for an object.
	// SSECustomerKeyFile is a file that contains it, raw or in base64.
	SSECustomerKey     []byte `ltx:"sse-customer-key,base64,secret" default:"none" help:"A customer-supplied key of 32 bytes, in base64." json:"-"`
	SSECustomerKeyFile string `ltx:"sse-customer-key-path,not=sse-customer-key" default:"none" help:"A file that holds the key, raw or in base64."`

	// WriteOnce makes writing a file fail if it exists with other content (W6).
	WriteOnce bool `ltx:"write-once" default:"false" help:"Refuse to replace a file with different content."`

	// Retry sets how often a failed request is repeated, and the waits between.
	Retry ltxstore.Retry `ltx:"retry"`

	// Logger is used for all logs. nil means slog.Default. See SetLogger.
	Logger *slog.Logger `ltx:"-"`
}

// withDefaults returns cfg with defaults in place of zero values.
func (cfg Config) withDefaults() Config {
	cfg.Transfer = cfg.Transfer.WithDefaults(object.Options{Concurrency: 1, DeleteConcurrency: 64, PageSize: maxPageSize})
	cfg.HTTP = cfg.HTTP.WithDefaults(cfg.Transfer.Requests())
	cfg.Anonymous = cfg.Anonymous || cfg.Endpoint != "" && cfg.CredentialsFile == "" && len(cfg.CredentialsJSON) == 0
	cfg.Retry = cfg.Retry.WithDefaults()
	return cfg
}

// Format writes the configuration without its secrets, whatever the verb.
func (cfg Config) Format(f fmt.State, _ rune) { scrub.Format(f, settings.Text(cfg)) }

// MarshalText returns the configuration without its secrets, also for JSON and
// log/slog.
func (cfg Config) MarshalText() ([]byte, error) { return []byte(settings.Text(cfg)), nil }
