//go:build !unix

package file

import "testing"

// makeSpecial makes nothing where there are no named pipes.
func makeSpecial(*testing.T, string) (why string) { return "" }

// asOrdinaryUser is called by no test here.
func asOrdinaryUser(string) int { return 1 }
