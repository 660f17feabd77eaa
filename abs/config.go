package abs

import (
	"fmt"
	"log/slog"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// Config is the location of a replica and the options for reading and writing
// it. Bucket is required, and so is Account or Endpoint; the zero value of every
// other field is its default. If a field is invalid, Init fails before any
// request, with the field's name, its value and what is expected. The tags have the
// defaults, and the variables of the environment for an empty field.
//
// At most one of AccountKey, SASToken, ConnectionString and Credential may be
// set. Without any, those of the environment are used, or of package entra.
//
// No fmt verb, JSON or log shows the secrets of a Config. But fmt does not call
// the methods of unexported fields: a struct with a Config in such a field needs
// its own Format method if it is printed.
type Config struct {
	Bucket string `ltx:"bucket" match:"^(\\$web|[a-z0-9](-?[a-z0-9]){2,62})$" want:"a container's name: 3 to 63 lower-case letters, digits and single hyphens, with a letter or digit at both ends" default:"required" help:"The container's name."`

	// Path is cleaned by backend.CleanPath.
	Path string `ltx:"path,path" default:"the container's root" help:"The replica's path in the container."`

	// Layout names the files below Path. Replicas that Litestream wrote to
	// Azure have ltxstore.LayoutLitestream.
	Layout ltxstore.Layout `ltx:"layout" default:"'default'" help:"How files are named. 'auto' detects the layout of existing files."`

	Account string `ltx:"account-name,endpoint" match:"^[A-Za-z0-9_-]{1,63}$" want:"a storage account's name, such as \"mystorage\"" default:"'AZURE_STORAGE_ACCOUNT'" help:"The storage account's name."`

	// Endpoint is the URL of the account's blob service: https://host or
	// http://host, with the account as its path for an emulator. Empty is
	// https://ACCOUNT.blob.core.windows.net.
	Endpoint string `ltx:"endpoint" default:"the account's, in Azure's public cloud" help:"The URL of the account's blob service."`

	AccountKey string `ltx:"account-key,secret" match:"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$" want:"the account's key, in base64" default:"'LITESTREAM_AZURE_ACCOUNT_KEY', 'AZURE_STORAGE_KEY'" help:"The account's key, in base64." json:"-"`

	// SASToken is the query of a URL, of the container or the account. Reading
	// needs the permissions r and l, writing also c, w and d.
	SASToken string `ltx:"sas-token,secret,not=account-key" match:"^([!-~]*[?&])?sig=[!-%'-~][!-~]*$" want:"the query of a URL with a shared access signature: sv=…&sig=…" default:"'LITESTREAM_AZURE_SAS_TOKEN', 'AZURE_STORAGE_SAS_TOKEN'" help:"A shared access signature." json:"-"`

	ConnectionString string `ltx:"connection-string,secret,not=account-key,not=sas-token,not=account-name,not=endpoint" default:"'AZURE_STORAGE_CONNECTION_STRING'" help:"Account, endpoint and credentials, as Azure's portal shows them." json:"-"`

	// Credential provides tokens of Entra ID. See package azidentity, and
	// package entra for the default credential.
	Credential azcore.TokenCredential `ltx:"-" json:"-"`

	// HTTP configures the connections to the service.
	HTTP transport.Options `ltx:""`

	// Transfer sets the sizes and the concurrency of transfers. PartSize, of
	// the first block, and UploadThreshold are at most 1 GiB; a blob has at
	// most 50,000 blocks. PageSize is at most 5000.
	Transfer object.Options `ltx:"" part-size:",max=1GiB;; Bytes of the first block of a large upload; later ones grow." upload-threshold:",max=1GiB" concurrency:";; Blocks of a write that are sent, and held in memory, at once." page-size:",max=5000; 5000"`

	// AccessTier cannot be Archive, because such blobs cannot be read.
	AccessTier string `ltx:"access-tier,oneof=Hot|Cool|Cold" default:"the account's" help:"The access tier of new blobs: 'Hot', 'Cool' or 'Cold'."`

	EncryptionScope string `ltx:"encryption-scope,not=customer-key,not=customer-key-path" match:"^[A-Za-z0-9-]{3,63}$" want:"3 to 63 letters, digits and hyphens" default:"the container's" help:"The encryption scope of new blobs."`

	// CustomerKey is not stored by the service.
	CustomerKey     []byte `ltx:"customer-key,base64,secret" default:"none" help:"A customer-provided key of 32 bytes, in base64." json:"-"`
	CustomerKeyFile string `ltx:"customer-key-path,not=customer-key" default:"none" help:"A file that holds the key, raw or in base64."`

	WriteOnce bool `ltx:"write-once" default:"false" help:"Refuse to replace a file with different content."`

	// Retry sets how often a failed request is repeated, and the waits between.
	Retry ltxstore.Retry `ltx:"retry"`

	// Logger is used for all logs. nil means slog.Default. See SetLogger.
	Logger *slog.Logger `ltx:"-" json:"-"`
}

// Format writes the configuration without its secrets, whatever the verb.
func (cfg Config) Format(f fmt.State, _ rune) { scrub.Format(f, settings.Text(cfg)) }

// MarshalText is Format for JSON and log/slog.
func (cfg Config) MarshalText() ([]byte, error) { return []byte(settings.Text(cfg)), nil }
