package s3

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/ltxstore/ltxstore/backend/transport"
)

// hintOf returns what is wrong and how to fix it, for errors whose messages are not
// sufficient.
func hintOf(err error) string {
	var archived *types.InvalidObjectState
	switch speaks := transport.Speaks(err); {
	case speaks != "":
		return fmt.Sprintf("the server uses %s: want an Endpoint that begins with %s://", speaks, speaks)
	case errors.As(err, &archived) && archived.StorageClass != "":
		return fmt.Sprintf("the object is archived in storage class %s and must be restored before it can be read", archived.StorageClass)
	case codeOf(err) == codeArchived:
		return "the object is archived, as in GLACIER, and must be restored before it can be read"
	case isSkewed(err):
		return "the clock of this machine differs from that of the service" + skewOf(err)
	}
	region := headerOf(err).Get(regionHeader)
	if !isRegion(region) {
		return ""
	}
	switch status := statusOf(err); {
	case status == http.StatusMovedPermanently, status == http.StatusTemporaryRedirect,
		strings.HasPrefix(codeOf(err), "AuthorizationHeaderMalformed"):
		return "the bucket is in region " + region
	}
	return ""
}

const (
	codeArchived = "InvalidObjectState"
	codeSkewed   = "RequestTimeTooSkewed"

	// maxSkew is how much a request's time may differ from the service's.
	maxSkew = 15 * time.Minute
)

// isSkewed reports whether a request was rejected because of its time. The response to
// a HEAD does not contain the reason.
func isSkewed(err error) bool {
	if codeOf(err) == codeSkewed {
		return true
	}
	there, ok := serverTime(err)
	return ok && time.Until(there).Abs() > maxSkew && statusOf(err) == http.StatusForbidden && codeOf(err) == "Forbidden"
}

func serverTime(err error) (time.Time, bool) {
	there, parseErr := http.ParseTime(headerOf(err).Get("Date"))
	return there, parseErr == nil
}

func skewOf(err error) string {
	there, ok := serverTime(err)
	if !ok {
		return ""
	}
	return fmt.Sprintf(": it is %s here and %s there", time.Now().UTC().Format(time.DateTime), there.UTC().Format(time.DateTime))
}
