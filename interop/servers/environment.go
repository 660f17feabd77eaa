package servers

import (
	"os"
	"path/filepath"
	"strings"
)

// ForgetAWS keeps what is set up for AWS on this machine away from the process:
// a region, a certificate authority or credentials of somebody's own. It is for
// a TestMain: it changes the environment.
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
