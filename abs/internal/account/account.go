// Package account determines the storage account of a configuration, and signs
// requests to it. It is part of package [github.com/ltxstore/ltxstore/abs].
package account

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

const backendType = "abs"

// Account is a storage account and its credentials, as in the fields of
// abs.Config: at most one of Key, SAS, ConnectionString and Credential.
type Account struct {
	Name, Endpoint             string
	Key, SAS, ConnectionString string
	Credential                 azcore.TokenCredential

	// Registered means that Credential comes from RegisterIdentity.
	Registered bool
}

func invalid(field string, value any, want string) error {
	return backend.Invalid(backendType, "init", field, value, want)
}

func (a Account) hasCredentials() bool {
	return a.Key+a.SAS+a.ConnectionString != "" || a.Credential != nil
}

// Load returns a with its Endpoint and with missing fields set from the
// variables of Litestream and then of Azure's tools. A connection string is
// replaced by its parts, and that of the environment is ignored if the account
// was chosen in another way. The error is of kind fs.ErrInvalid and names the
// field of abs.Config.
func (a Account) Load(getenv func(string) string) (Account, error) {
	given := a.Name
	a.Name = cmp.Or(a.Name, getenv("AZURE_STORAGE_ACCOUNT"))
	for _, from := range []struct {
		field    *string
		variable string
	}{
		{&a.Key, "LITESTREAM_AZURE_ACCOUNT_KEY"},
		{&a.SAS, "LITESTREAM_AZURE_SAS_TOKEN"},
		{&a.ConnectionString, "AZURE_STORAGE_CONNECTION_STRING"},
		{&a.Key, "AZURE_STORAGE_KEY"},
		{&a.SAS, "AZURE_STORAGE_SAS_TOKEN"},
	} {
		if !a.hasCredentials() && (from.field != &a.ConnectionString || given+a.Endpoint == "") {
			*from.field = getenv(from.variable)
		}
	}
	if a.ConnectionString != "" {
		if err := a.parse(); err != nil {
			return a, err
		}
	} else if given == "" && a.Endpoint != "" && a.Key == "" {
		a.Name = "" // the endpoint suffices
	}
	if !a.hasCredentials() {
		if err := a.identify(); err != nil {
			return a, err
		}
	}
	switch {
	case a.Name == "" && (a.Endpoint == "" || a.Key != ""):
		return a, invalid("Account", "", "want the storage account's name")
	case a.Endpoint == "":
		a.Endpoint = "https://" + a.Name + ".blob.core.windows.net"
	}
	a.Endpoint, a.SAS = strings.TrimRight(a.Endpoint, "/"), strings.TrimPrefix(a.SAS, "?")
	return a, nil
}

// parse replaces the connection string with its parts.
func (a *Account) parse() error {
	parts := make(map[string]string)
	for field := range strings.SplitSeq(strings.Trim(a.ConnectionString, "; \n"), ";") {
		name, value, _ := strings.Cut(field, "=")
		parts[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
	}
	a.Name, a.Key, a.SAS = parts["accountname"], parts["accountkey"], ""
	if a.Key == "" { // the key allows more
		a.SAS = parts["sharedaccesssignature"]
	}
	if a.Key+a.SAS == "" {
		return invalid("ConnectionString", scrub.Secret(len(a.ConnectionString)), "want NAME=VALUE;… as Azure's portal shows it, with an AccountKey or a SharedAccessSignature")
	}
	a.Endpoint = parts["blobendpoint"]
	if suffix := parts["endpointsuffix"]; a.Endpoint == "" && suffix != "" && a.Name != "" {
		a.Endpoint = cmp.Or(parts["defaultendpointsprotocol"], "https") + "://" + a.Name + ".blob." + suffix
	}
	a.ConnectionString = ""
	return nil
}

// Client returns a client of the container whose URL is place. Load must have
// been called. All clients with the same next, which is the transport below that
// of options, share their tokens. secret is called with each token.
func (a Account) Client(place string, next http.RoundTripper, secret func(token string), options *container.ClientOptions) (*container.Client, error) {
	switch {
	case a.Key != "":
		key, err := container.NewSharedKeyCredential(a.Name, a.Key)
		if err != nil {
			return nil, invalid("AccountKey", "[redacted]", "want the account's key, in base64")
		}
		return container.NewClientWithSharedKeyCredential(place, key, options)
	case a.SAS != "":
		return container.NewClientWithNoCredential(place+"?"+a.SAS, options)
	}
	return container.NewClient(place, &tokens{a.commonTokens(next), secret}, options)
}
