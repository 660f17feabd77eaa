//go:build whole

package wraptest

const whole = true
