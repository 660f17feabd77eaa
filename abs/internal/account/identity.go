package account

import (
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
)

// identity is what RegisterIdentity was given.
var identity struct {
	sync.Mutex
	open func() (azcore.TokenCredential, error)
}

// RegisterIdentity makes open the source of credentials where neither an Account
// nor the environment has any, and returns the one before it.
func RegisterIdentity(open func() (azcore.TokenCredential, error)) (before func() (azcore.TokenCredential, error)) {
	identity.Lock()
	defer identity.Unlock()
	before, identity.open = identity.open, open
	return before
}

// identify makes the registered identity the Credential.
func (a *Account) identify() error {
	identity.Lock()
	open := identity.open
	identity.Unlock()
	if open == nil {
		return invalid("AccountKey", "", "want it, SASToken, ConnectionString or Credential, one of their variables, or for Entra ID the package abs/entra")
	}
	credential, err := open()
	if err != nil {
		return invalid("Credential", "the environment's", err.Error())
	}
	a.Credential, a.Registered = credential, true
	return nil
}
