package sftp

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"strings"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/tree"
)

func (s *server) Classify(err error) tree.Failure { return tree.Failure{Kind: kindOf(err)} }

func kindOf(err error) error {
	if kind := tree.KindOf(err); kind != nil {
		return kind
	}
	var status *sftp.StatusError
	var auth *ssh.ServerAuthError
	var refused net.Error
	switch {
	case errors.As(err, &status):
		switch status.FxCode() {
		case sftp.ErrSSHFxOpUnsupported:
			return errors.ErrUnsupported
		case sftp.ErrSSHFxNoConnection, sftp.ErrSSHFxConnectionLost:
			return ltxstore.ErrUnavailable // from a server in front of another
		}
		return nil // such as a full disk: permanent until space is freed
	case errors.As(err, &auth), strings.Contains(err.Error(), "unable to authenticate"):
		return fs.ErrPermission
	case errors.Is(err, sftp.ErrSSHFxConnectionLost), errors.Is(err, sftp.ErrSSHFxNoConnection),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.Is(err, fs.ErrClosed), errors.As(err, &refused):
		return ltxstore.ErrUnavailable
	}
	return nil
}
