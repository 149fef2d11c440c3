package windlass

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"unicode"
)

// DefaultAddress is where a Windlass listens unless told otherwise.
const DefaultAddress = "http://127.0.0.1:8265"

// target is where and as whom to call.
type target struct {
	// Without brackets.
	host   string
	port   string
	secure bool
	// Empty: none.
	token string
}

// authority is host:port, an IPv6 address in brackets.
func (t target) authority() string {
	return net.JoinHostPort(t.host, t.port)
}

func (t target) url() string {
	if t.secure {
		return "https://" + t.authority()
	}
	return "http://" + t.authority()
}

// findTarget lets what is given beat the environment; on a loopback address the admin's token file is last.
func findTarget(address, token *string, getenv func(string) string) (target, error) {
	name, text := "address", ""
	if address != nil {
		text = *address
	} else if text = getenv("WINDLASS_ADDRESS"); text != "" {
		name = "WINDLASS_ADDRESS"
	} else {
		text = DefaultAddress
	}
	found, err := parseAddress(text, name)
	if err != nil {
		return target{}, err
	}
	switch {
	case token != nil:
		found.token = *token
	case getenv("WINDLASS_TOKEN") != "":
		found.token = getenv("WINDLASS_TOKEN")
	// The admin's token never leaves the machine by itself.
	case isLoopback(found.host):
		if found.token, err = readAdminToken(stateDir(getenv)); err != nil {
			return target{}, err
		}
	}
	found.token = strings.TrimSpace(found.token)
	for _, char := range found.token {
		if char > unicode.MaxASCII || !unicode.IsPrint(char) {
			return target{}, errors.New("the token has characters that no token has; give it as `windlass token` printed it")
		}
	}
	return found, nil
}

func parseAddress(text, name string) (target, error) {
	problem := fmt.Errorf("%s %q is not an address; give one like %s", name, text, DefaultAddress)
	at, err := url.Parse(text)
	if err != nil || strings.ContainsFunc(text, unicode.IsSpace) {
		return target{}, problem
	}
	if at.Scheme != "http" && at.Scheme != "https" || at.Hostname() == "" || at.User != nil {
		return target{}, problem
	}
	if strings.Trim(at.Path, "/") != "" || at.RawQuery != "" || at.ForceQuery || at.Fragment != "" {
		return target{}, problem
	}
	found := target{host: at.Hostname(), port: at.Port(), secure: at.Scheme == "https"}
	if found.port == "" {
		found.port = map[bool]string{false: "80", true: "443"}[found.secure]
	}
	if _, err := strconv.ParseUint(found.port, 10, 16); err != nil {
		return target{}, problem
	}
	return found, nil
}

// isLoopback says whether a host can only be this machine.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// stateDir is the folder that a Windlass started without --state-dir keeps its state in.
func stateDir(getenv func(string) string) string {
	if given := getenv("WINDLASS_STATE_DIR"); given != "" {
		return given
	}
	// The XDG rules: a relative path is to be ignored.
	if xdg := getenv("XDG_STATE_HOME"); filepath.IsAbs(xdg) {
		return filepath.Join(xdg, "windlass")
	}
	home := getenv("HOME")
	if home == "" {
		home, _ = os.UserHomeDir()
	}
	return filepath.Join(home, ".local", "state", "windlass")
}

// readAdminToken gives the token in a state dir, or "" where there is none.
func readAdminToken(folder string) (string, error) {
	path := filepath.Join(folder, "admin.token")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("cannot read the admin's token (%w); set WINDLASS_TOKEN", err)
	}
	return string(text), nil
}
