// Package entra adds credentials of Microsoft Entra ID to package
// [github.com/ltxstore/ltxstore/abs].
//
// Importing it is enough: a configuration without credentials then uses those of
// azidentity's DefaultAzureCredential, which come from the variables
// AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, a workload identity,
// the machine's managed identity, or the login of the Azure CLI. Programs that do
// not import it do not compile azidentity.
package entra

import (
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/ltxstore/ltxstore/abs"
)

func init() { abs.RegisterIdentity(Default) }

// Default returns the credential of the environment. It sends nothing; the first
// request fetches a token.
func Default() (azcore.TokenCredential, error) {
	return azidentity.NewDefaultAzureCredential(nil)
}
