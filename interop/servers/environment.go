package servers

import (
	"os"
	"path/filepath"
	"strings"
)

// ForgetAWS removes AWS's variables, such as a region, a certificate authority
// or credentials, from the environment of the process. It is for a TestMain.
func ForgetAWS() {
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "AWS_") {
			os.Unsetenv(name)
		}
	}
	none := filepath.Join(os.DevNull, "none")
	os.Setenv("AWS_CONFIG_FILE", none)
	os.Setenv("AWS_SHARED_CREDENTIALS_FILE", none)
	os.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}
