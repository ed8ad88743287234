package hub

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path"
	"strings"
)

// Config is what a hub tells its service.
type Config struct {
	// Name is the service's in c.JupyterHub.services.
	Name string
	// Listen is HOST:PORT where the hub's proxy reaches the service.
	Listen string
	// Prefix is the path of the service in the hub, with both slashes.
	Prefix string
	// API is the hub's API as the service reaches it, without slash at the end.
	API string
	// Token is the service's API token, and its OAuth client secret.
	Token string
	// ClientID and Callback are the OAuth client's id and redirect address.
	ClientID, Callback string
	// Authorize is where browsers log in: an address, or a path on their host.
	Authorize string
}

// FromEnv reads the variables that a hub gives a service it manages; an admin
// sets them for one that systemd runs. ok is false if this process is no
// service with pages: nothing is set, or it is a user's own server, which gets
// variables of the same names.
func FromEnv(getenv func(string) string) (c Config, ok bool, err error) {
	service := getenv("JUPYTERHUB_SERVICE_URL")
	if service == "" || getenv("JUPYTERHUB_USER") != "" {
		return Config{}, false, nil
	}
	c = Config{
		Token: getenv("JUPYTERHUB_API_TOKEN"), ClientID: getenv("JUPYTERHUB_CLIENT_ID"),
		API: strings.TrimRight(or(getenv("JUPYTERHUB_API_URL"), "http://127.0.0.1:8081/hub/api"), "/"),
	}
	if c.Token == "" {
		return Config{}, false, errors.New("hub: JUPYTERHUB_SERVICE_URL is set and JUPYTERHUB_API_TOKEN is not: set it to the api_token of the service")
	}
	if c.Listen, err = hostPort("JUPYTERHUB_SERVICE_URL", service); err != nil {
		return Config{}, false, err
	}
	c.named(getenv("JUPYTERHUB_SERVICE_NAME"), getenv("JUPYTERHUB_SERVICE_PREFIX"), getenv("JUPYTERHUB_BASE_URL"))
	c.ClientID = or(c.ClientID, "service-"+c.Name)
	c.Callback = or(getenv("JUPYTERHUB_OAUTH_CALLBACK_URL"), c.Prefix+"oauth_callback")
	api, err := url.Parse(c.API)
	if err != nil || api.Host == "" || (api.Scheme != "http" && api.Scheme != "https") {
		return Config{}, false, fmt.Errorf("hub: JUPYTERHUB_API_URL %q: want http://HOST:PORT/hub/api", c.API)
	}
	c.Authorize = strings.TrimRight(getenv("JUPYTERHUB_HOST"), "/") + api.EscapedPath() + "/oauth2/authorize"
	return c, true, nil
}

// named fills in name and prefix, each from the other where one is not given.
func (c *Config) named(name, prefix, base string) {
	id, isService := strings.CutPrefix(c.ClientID, "service-")
	switch {
	case name != "":
	case isService:
		name = id
	case strings.Trim(prefix, "/") != "":
		name = path.Base(prefix)
	default:
		name = "llmtap"
	}
	c.Name = name
	c.Prefix = path.Join("/", or(prefix, path.Join(base, "services", name))) + "/"
}

// hostPort takes the address to listen on from a URL.
func hostPort(variable, text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" {
		return "", fmt.Errorf("hub: %s %q: want http://HOST:PORT, for example http://127.0.0.1:4144", variable, text)
	}
	return net.JoinHostPort(u.Hostname(), or(u.Port(), "80")), nil
}

func or(v, def string) string {
	if v == "" {
		return def
	}
	return v
}
