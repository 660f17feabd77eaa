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

// Config says where a replica is and how it is written. Bucket is required; the
// zero value of every other field is its default. If a field is invalid, Init
// fails before any request, with the field's name, its value and what would be
// right.
//
// Printing a Config shows no secret, with any verb, as text, in JSON and in a
// log, alone or in what holds it. fmt calls no method of an unexported field,
// though: a struct that has a Config in one, and is printed, needs a Format
// method of its own.
type Config struct {
	// Bucket is the bucket's name, by Cloud Storage's "Bucket naming guidelines".
	Bucket string `ltx:"bucket" match:"^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$" want:"a bucket's name: 3 to 222 lower-case letters, digits, dots, hyphens and underscores, with a letter or digit at both ends; a path belongs into Path" default:"required" help:"The bucket's name."`

	// Path is the replica's path in the bucket, cleaned by backend.CleanPath.
	// Empty is the bucket's root.
	Path string `ltx:"path,path" default:"the bucket's root" help:"The replica's path in the bucket."`

	// Layout names the files below Path. Litestream's own gs replicas have
	// ltxstore.LayoutLitestream.
	Layout ltxstore.Layout `ltx:"layout" default:"'default'" help:"How files are named. 'auto' looks at what the replica holds."`

	// Endpoint is the URL of another service that speaks Google's JSON API, an
	// emulator for one: https://host or http://host, with an optional port, and
	// with no path but /storage/v1. Empty is STORAGE_EMULATOR_HOST, if set, else
	// Google.
	Endpoint string `ltx:"endpoint" default:"'STORAGE_EMULATOR_HOST', or Google" help:"The URL of another service that speaks Google's JSON API."`

	// CredentialsFile is a file of credentials as Google's tools write it,
	// and CredentialsJSON is the content of such a file; at most one of them
	// may be set. Without either the application default credentials are
	// used: the environment's file, gcloud's, or those of the machine.
	CredentialsFile string `ltx:"credentials-file" default:"the application default credentials" help:"A file of credentials as Google's tools write it."`
	CredentialsJSON []byte `ltx:"credentials-json,kind=JSON,secret,not=credentials-file" default:"as above" help:"The content of such a file." json:"-"`

	// Anonymous sends no credentials. It is implied for an Endpoint, or an
	// emulator, without CredentialsFile and CredentialsJSON.
	Anonymous bool `ltx:"anonymous" default:"false, but for an 'endpoint' without credentials" help:"Send no credentials."`

	// QuotaProject is the project that requests are billed to.
	QuotaProject string `ltx:"quota-project" match:"^[^\\x00-\\x20\\x7f]*$" want:"a project's ID or number" default:"none" help:"The project that requests are billed to."`

	// HTTP says how the service is reached, and that for tokens.
	HTTP transport.Options `ltx:""`

	// Client, if not nil, is used as it is: one that speaks gRPC, for
	// example. Credentials, endpoint and HTTP are then its own, and
	// these fields are refused together with it. It repeats requests and
	// resumes bodies in its own way, and may decompress what another tool
	// stored with a Content-Encoding. It is not closed. Its answers are not
	// checked as those of our own transport are: noticing an upload that was
	// stored in part, or an empty document instead of a listing, is up to the
	// SDK. A missing file costs one more request. The gRPC form has not been
	// tested against a service.
	Client *storage.Client `ltx:"-"`

	// Transfer sets the sizes and the concurrency of transfers. A large upload
	// is sent in chunks, one after the other: PartSize is the size of a chunk,
	// which is held in memory, a multiple of 256 KiB up to 1 GiB. It has no
	// Concurrency. UploadThreshold is at most 1 GiB, and PageSize 1000.
	// DeleteConcurrency is 64 by default: the service has no request that
	// deletes several files.
	Transfer object.Options `ltx:"" part-size:"chunk-size,max=1GiB;; Bytes of a large upload that are sent, and held in memory, at once: a multiple of 256 KiB." upload-threshold:",max=1GiB; 'chunk-size'" concurrency:"-" delete-concurrency:"; 64; Deletions under way at once." page-size:",max=1000"`

	// StorageClass of new objects. Empty is the bucket's default.
	StorageClass string `ltx:"storage-class" match:"^[A-Z_]{1,64}$" want:"a class such as \"NEARLINE\"" default:"the bucket's" help:"The storage class of new objects."`

	// KMSKeyName is the customer-managed key of new objects:
	// projects/P/locations/L/keyRings/R/cryptoKeys/K. Empty is the bucket's
	// default.
	KMSKeyName string `ltx:"kms-key-name" match:"^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$" want:"projects/P/locations/L/keyRings/R/cryptoKeys/K" default:"the bucket's" help:"The customer-managed key of new objects."`

	// SSECustomerKey is a customer-supplied key of 32 bytes, which the service
	// uses and forgets; SSECustomerKeyFile a file that holds it, raw or in
	// base64. It goes with every request about an object.
	SSECustomerKey     []byte `ltx:"sse-customer-key,base64,secret" default:"none" help:"A customer-supplied key of 32 bytes, in base64." json:"-"`
	SSECustomerKeyFile string `ltx:"sse-customer-key-path,not=sse-customer-key" default:"none" help:"A file that holds the key, raw or in base64."`

	// WriteOnce refuses to write a file that exists with other content (W6).
	WriteOnce bool `ltx:"write-once" default:"false" help:"Refuse to replace a file by other content."`

	// Retry sets how often, and with which waits, a failed request is repeated.
	Retry ltxstore.Retry `ltx:"retry"`

	// Logger receives the log. nil means slog.Default. See SetLogger.
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

// String returns the configuration without its secrets.
func (cfg Config) String() string { return settings.Text("gcs.Config", cfg) }

// Format writes String for every verb: %d would show the fields.
func (cfg Config) Format(f fmt.State, _ rune) { scrub.Format(f, cfg.String()) }

// MarshalText is String, and so are the JSON of a Config and what log/slog
// writes.
func (cfg Config) MarshalText() ([]byte, error) { return []byte(cfg.String()), nil }

// MarshalBinary is String too, for encoding/gob.
func (cfg Config) MarshalBinary() ([]byte, error) { return cfg.MarshalText() }
