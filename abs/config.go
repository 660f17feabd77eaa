package abs

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/rangeio"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// Config says where a replica is and how it is written. Bucket is required, and
// so is Account or Endpoint; the zero value of every other field is its default.
// Init refuses a bad field before any request, with its name, its value and what
// would be right.
//
// Credentials are at most one of AccountKey, SASToken, ConnectionString and
// Credential. Without any, those of the environment are used: see the fields,
// and package entra.
//
// Printing a Config shows no secret, with any verb, as text, in JSON and in a
// log. fmt calls no method of an unexported field, though: a struct that has a
// Config in one, and is printed, needs a Format method of its own.
type Config struct {
	// Bucket is the container's name.
	Bucket string `ltx:"bucket" match:"^(\\$root|\\$web|[a-z0-9](-?[a-z0-9]){2,62})$" want:"a container's name: 3 to 63 lower-case letters, digits and single hyphens, with a letter or digit at both ends" default:"required" help:"The container's name."`

	// Path is the replica's path in the container, cleaned by
	// backend.CleanPath. Empty is the container's root.
	Path string `ltx:"path,path" default:"the container's root" help:"The replica's path in the container."`

	// Layout names the files below Path. Litestream's own abs replicas have
	// ltxstore.LayoutLitestream.
	Layout ltxstore.Layout `ltx:"layout" default:"'default'" help:"How files are named. 'auto' looks at what the replica holds."`

	// Account is the storage account's name. Empty is AZURE_STORAGE_ACCOUNT.
	Account string `ltx:"account-name" match:"^[A-Za-z0-9_-]{1,63}$" want:"a storage account's name, such as \"mystorage\"" default:"'AZURE_STORAGE_ACCOUNT'" help:"The storage account's name."`

	// Endpoint is the URL of the account's blob service: https://host or
	// http://host, with the account as its path for an emulator. Empty is
	// https://ACCOUNT.blob.core.windows.net.
	Endpoint string `ltx:"endpoint" default:"the account's, in Azure's public cloud" help:"The URL of the account's blob service."`

	// AccountKey is the account's key, in base64. Empty is
	// LITESTREAM_AZURE_ACCOUNT_KEY or AZURE_STORAGE_KEY.
	AccountKey string `ltx:"account-key,secret" match:"^[A-Za-z0-9+/]+={0,2}$" want:"the account's key, in base64" default:"'LITESTREAM_AZURE_ACCOUNT_KEY', 'AZURE_STORAGE_KEY'" help:"The account's key, in base64." json:"-"`

	// SASToken is a shared access signature for the container or the account:
	// the query of its URL. Empty is LITESTREAM_AZURE_SAS_TOKEN or
	// AZURE_STORAGE_SAS_TOKEN. To read needs the permissions r and l; to write
	// also c, w and d.
	SASToken string `ltx:"sas-token,secret,not=account-key" default:"'LITESTREAM_AZURE_SAS_TOKEN', 'AZURE_STORAGE_SAS_TOKEN'" help:"A shared access signature." json:"-"`

	// ConnectionString has the account, its endpoint, and its key or a shared
	// access signature, as Azure's portal shows it. Empty is
	// AZURE_STORAGE_CONNECTION_STRING. Account and Endpoint are then empty.
	ConnectionString string `ltx:"connection-string,secret,not=account-key,not=sas-token,not=account-name,not=endpoint" default:"'AZURE_STORAGE_CONNECTION_STRING'" help:"Account, endpoint and credentials, as Azure's portal shows them." json:"-"`

	// Credential gives out tokens of Entra ID: see package entra, and azidentity.
	Credential azcore.TokenCredential `ltx:"-" json:"-"`

	// InsecureSkipVerify accepts any TLS certificate: for tests.
	InsecureSkipVerify bool `ltx:"skip-verify,not=ca-bundle" default:"false" help:"Accept any TLS certificate: for tests."`

	// CABundle is a file of PEM certificates that are trusted instead of the
	// system's.
	CABundle string `ltx:"ca-bundle" default:"the system's" help:"A file of PEM certificates that are trusted instead of the system's."`

	// RoundTripper, if not nil, sends the requests. The pool and TLS settings
	// here do not apply to it; a CABundle beside it is refused.
	RoundTripper http.RoundTripper `ltx:"-" json:"-"`

	// PartSize is the size in bytes of the first block of a large body, 1 byte to
	// 1 GiB; 0 means 8 MiB. Blocks of a body of unknown size grow, so that 50,000
	// of them hold the largest blob.
	PartSize int64 `ltx:"part-size,size,max=1GiB" default:"8MiB" help:"Bytes of the first block of a large upload; later ones grow."`

	// UploadThreshold is the size in bytes up to which a body goes in one
	// request, at most 1 GiB. 0 means PartSize.
	UploadThreshold int64 `ltx:"upload-threshold,size,max=1GiB" default:"'part-size'" help:"Bytes up to which a body goes in one request."`

	// Concurrency is how many blocks of a write are sent, and held in memory, at
	// once. 0 means 3.
	Concurrency int `ltx:"concurrency" default:"3" help:"Blocks of a write that are sent, and held in memory, at once."`

	// ReadConcurrency is how many ranges of large files are read at once, and
	// ReadMemory how many bytes of them are in memory at the most: all clients
	// in a process that have the same two values share them. 0 means 16 and
	// 32 MiB; a ReadConcurrency of 1, that each file is read by one request.
	ReadConcurrency int   `ltx:"read-concurrency" default:"16" help:"Ranges of large files read at once, by all replicas that have the same two settings; 1 for none in parallel."`
	ReadMemory      int64 `ltx:"read-memory,size" default:"32MiB" help:"Bytes of these ranges held in memory, by all together."`

	// MetadataConcurrency is how many files' properties or headers are read at
	// once in a listing that does not tell their times. 0 means 32.
	MetadataConcurrency int `ltx:"metadata-concurrency" default:"32" help:"Headers read at once in a listing, where another tool's copy has lost the times."`

	// DeleteConcurrency is how many requests for deletions are under way at
	// once. 0 means 8.
	DeleteConcurrency int `ltx:"delete-concurrency" default:"8" help:"Requests for deletions under way at once."`

	// PageSize is how many files are listed in one request, at most 5000,
	// which 0 means.
	PageSize int `ltx:"page-size,max=5000" default:"5000" help:"Files listed in one request."`

	// MaxConns bounds the connections to the service; 0 means no bound.
	// MaxIdleConns is how many are kept for the next request; 0 means as many
	// as the concurrencies above can use. IdleConnTimeout is for how long; 0
	// means 90 s.
	MaxConns        int           `ltx:"max-conns" default:"no bound" help:"Connections to the service at once."`
	MaxIdleConns    int           `ltx:"max-idle-conns" default:"what the concurrencies can use" help:"Connections that are kept for the next request."`
	IdleConnTimeout time.Duration `ltx:"idle-conn-timeout" default:"90s" help:"For how long they are kept."`

	// IdleTimeout is how long a transfer may make no progress, and
	// ResponseTimeout how long a request may wait for the beginning of its
	// answer. 0 means one minute. There is no limit on a whole transfer.
	IdleTimeout     time.Duration `ltx:"idle-timeout" default:"1m" help:"How long a transfer may make no progress."`
	ResponseTimeout time.Duration `ltx:"response-timeout" default:"1m" help:"How long a request may wait for the beginning of its answer."`

	// AccessTier of new blobs: Hot, Cool or Cold. Empty is the account's. A blob
	// of the tier Archive cannot be read, so that tier is refused.
	AccessTier string `ltx:"access-tier,oneof=Hot|Cool|Cold" default:"the account's" help:"The access tier of new blobs: 'Hot', 'Cool' or 'Cold'."`

	// EncryptionScope of new blobs. Empty is the container's.
	EncryptionScope string `ltx:"encryption-scope,not=customer-key,not=customer-key-path" match:"^[A-Za-z0-9-]{3,63}$" want:"3 to 63 letters, digits and hyphens" default:"the container's" help:"The encryption scope of new blobs."`

	// CustomerKey is a customer-provided key of 32 bytes, which the service uses
	// and forgets; CustomerKeyFile a file that holds it, raw or in base64.
	CustomerKey     []byte `ltx:"customer-key,base64,secret" default:"none" help:"A customer-provided key of 32 bytes, in base64." json:"-"`
	CustomerKeyFile string `ltx:"customer-key-path,not=customer-key" default:"none" help:"A file that holds the key, raw or in base64."`

	// WriteOnce refuses to write a file that exists with other content (W6).
	WriteOnce bool `ltx:"write-once" default:"false" help:"Refuse to replace a file by other content."`

	// Retry is how failed requests are repeated.
	Retry ltxstore.Retry `ltx:"retry"`

	// Logger gets the log. nil means slog.Default. See SetLogger.
	Logger *slog.Logger `ltx:"-" json:"-"`
}

// withDefaults returns cfg with Config's defaults in place of zero values.
// Where the zero value is what is meant, it stays.
func (cfg Config) withDefaults() Config {
	cfg.PartSize = cmp.Or(cfg.PartSize, 8<<20)
	cfg.UploadThreshold = cmp.Or(cfg.UploadThreshold, cfg.PartSize)
	cfg.Concurrency = cmp.Or(cfg.Concurrency, 3)
	cfg.ReadConcurrency = cmp.Or(cfg.ReadConcurrency, rangeio.DefaultPoolRequests)
	cfg.ReadMemory = cmp.Or(cfg.ReadMemory, rangeio.DefaultPoolMemory)
	cfg.MetadataConcurrency = cmp.Or(cfg.MetadataConcurrency, 32)
	cfg.DeleteConcurrency = cmp.Or(cfg.DeleteConcurrency, 8)
	cfg.PageSize = cmp.Or(cfg.PageSize, 5000)
	if cfg.MaxIdleConns == 0 {
		cfg.MaxIdleConns = max(cfg.DeleteConcurrency, cfg.MetadataConcurrency+cfg.ReadConcurrency, cfg.Concurrency) + 1
	}
	if cfg.MaxConns > 0 {
		cfg.MaxIdleConns = min(cfg.MaxIdleConns, cfg.MaxConns)
	}
	cfg.IdleConnTimeout = cmp.Or(cfg.IdleConnTimeout, 90*time.Second)
	cfg.IdleTimeout = cmp.Or(cfg.IdleTimeout, time.Minute)
	cfg.ResponseTimeout = cmp.Or(cfg.ResponseTimeout, time.Minute)
	cfg.Retry = cfg.Retry.WithDefaults()
	return cfg
}

// String returns the configuration without its secrets.
func (cfg Config) String() string {
	return fmt.Sprintf("abs.Config{Bucket:%q Path:%q Layout:%v Account:%q Endpoint:%q AccountKey:%s SASToken:%s ConnectionString:%s CustomerKey:%s}",
		cfg.Bucket, cfg.Path, cfg.Layout, cfg.Account, shown(cfg.Endpoint), scrub.Redacted(len(cfg.AccountKey)),
		scrub.Redacted(len(cfg.SASToken)), scrub.Redacted(len(cfg.ConnectionString)), scrub.Redacted(len(cfg.CustomerKey)))
}

// Format is String for every verb: %d would show the fields as they are.
func (cfg Config) Format(f fmt.State, _ rune) { scrub.Format(f, cfg.String()) }

// MarshalText is String: so is what JSON says of a Config.
func (cfg Config) MarshalText() ([]byte, error) { return []byte(cfg.String()), nil }

// LogValue keeps secrets out of a log that is handed a Config.
func (cfg Config) LogValue() slog.Value { return slog.StringValue(cfg.String()) }
