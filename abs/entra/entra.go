// Package entra gives package abs the credentials of Microsoft Entra ID.
//
// Importing it is enough: a configuration without credentials then has those of
// azidentity's DefaultAzureCredential: the variables AZURE_TENANT_ID,
// AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, a workload's identity, the machine's
// managed identity, or the login of Azure's command line. Programs that do not
// import it do not compile azidentity. Any other identity is abs.Config's
// Credential.
package entra

import (
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/ltxstore/ltxstore/abs"
)

func init() { abs.RegisterIdentity(Default) }

// Default returns the credential of the environment. It sends nothing; a token
// is asked for by the first request.
func Default() (azcore.TokenCredential, error) {
	return azidentity.NewDefaultAzureCredential(nil)
}
