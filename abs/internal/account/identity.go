package account

import (
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
)

// identity holds the argument of RegisterIdentity.
var identity struct {
	sync.Mutex
	open func() (azcore.TokenCredential, error)
}

// RegisterIdentity makes open the source of credentials if neither an Account
// nor the environment has any. It returns the previous source.
func RegisterIdentity(open func() (azcore.TokenCredential, error)) (before func() (azcore.TokenCredential, error)) {
	identity.Lock()
	defer identity.Unlock()
	before, identity.open = identity.open, open
	return before
}

// identify sets Credential to the registered identity.
func (a *Account) identify() error {
	identity.Lock()
	open := identity.open
	identity.Unlock()
	if open == nil {
		return invalid("AccountKey", "", "want AccountKey, SASToken, ConnectionString or Credential, or one of their variables; for Entra ID, import abs/entra")
	}
	credential, err := open()
	if err != nil {
		return invalid("Credential", "the environment's", err.Error())
	}
	a.Credential, a.Registered = credential, true
	return nil
}
