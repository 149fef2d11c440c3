package windlass

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFindTarget(t *testing.T) {
	state := t.TempDir()
	if err := os.WriteFile(filepath.Join(state, "admin.token"), []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	xdg := t.TempDir()
	if err := os.Mkdir(filepath.Join(xdg, "windlass"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(xdg, "windlass", "admin.token"), []byte("of xdg"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		env     map[string]string
		address string
		token   *string
		url     string
		want    string
	}{
		{"the default is this machine", map[string]string{"WINDLASS_TOKEN": "t"}, "", nil, "http://127.0.0.1:8265", "t"},
		{
			"the environment says where and as whom",
			map[string]string{"WINDLASS_ADDRESS": "https://w.example:1234/", "WINDLASS_TOKEN": " t\n"}, "", nil,
			"https://w.example:1234", "t",
		},
		{
			"what is given beats the environment",
			map[string]string{"WINDLASS_ADDRESS": "http://a:1", "WINDLASS_TOKEN": "t"}, "http://b:2", new(string),
			"http://b:2", "",
		},
		{"ports are those of the schemes", nil, "https://w.example", new(string), "https://w.example:443", ""},
		{"an IPv6 address keeps its brackets", nil, "http://[::1]:7", new(string), "http://[::1]:7", ""},
		{
			"on this machine the admin's token is last",
			map[string]string{"WINDLASS_STATE_DIR": state}, "http://localhost:1", nil, "http://localhost:1", "secret",
		},
		{
			"the state dir follows XDG",
			map[string]string{"XDG_STATE_HOME": xdg}, "", nil, "http://127.0.0.1:8265", "of xdg",
		},
		{
			"the admin's token leaves the machine never",
			map[string]string{"WINDLASS_STATE_DIR": state}, "http://w.example", nil, "http://w.example:80", "",
		},
		{
			"no state dir is no token",
			map[string]string{"WINDLASS_STATE_DIR": filepath.Join(state, "admin.token")}, "", nil,
			"http://127.0.0.1:8265", "",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var address *string
			if c.address != "" {
				address = &c.address
			}
			got, err := findTarget(address, c.token, func(name string) string { return c.env[name] })
			if err != nil || got.url() != c.url || got.token != c.want {
				t.Errorf("got %s %q %v, want %s %q", got.url(), got.token, err, c.url, c.want)
			}
		})
	}
}

func TestFindTargetRefuses(t *testing.T) {
	none := func(string) string { return "" }
	for _, address := range []string{
		"", "127.0.0.1:8265", "ftp://a", "http://", "http://a b", "http://a/path", "http://a?x", "http://u:p@a",
		"http://a:99999", "http://a#f",
	} {
		t.Run(address, func(t *testing.T) {
			got, err := findTarget(&address, nil, none)
			if err == nil || !strings.Contains(err.Error(), "give one like http://127.0.0.1:8265") {
				t.Errorf("got %v %v", got, err)
			}
		})
	}
	for _, token := range []string{"a\nb", "ä", "a\x00"} {
		if _, err := findTarget(nil, &token, none); err == nil {
			t.Errorf("token %q was taken", token)
		}
	}
}

func TestNames(t *testing.T) {
	for in, want := range map[string]string{
		"default":     "applications/default",
		"my app/ü%":   "applications/my%20app%2F%C3%BC%25",
		"a+b&c=d:e@f": "applications/a%2Bb%26c%3Dd%3Ae%40f",
		"-_.!~*'()":   "applications/-_.!~*'()",
	} {
		if got := ApplicationName(in); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := DeploymentName("a b", "c d"); got != "applications/a%20b/deployments/c%20d" {
		t.Error(got)
	}
}
