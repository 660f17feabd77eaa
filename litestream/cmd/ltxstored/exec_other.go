//go:build !unix

package main

import "os"

func signalCode(*os.ProcessState) int { return exitFailure }
