package windlass

import (
	"net/url"
	"strings"
)

// ApplicationName is applications/{application} of an application as its config calls it.
func ApplicationName(application string) string {
	return "applications/" + escape(application)
}

// DeploymentName is applications/{application}/deployments/{deployment}.
func DeploymentName(application, deployment string) string {
	return ApplicationName(application) + "/deployments/" + escape(deployment)
}

// Resource names leave as they are what JavaScript's encodeURIComponent does.
var unescaped = strings.NewReplacer("+", "%20", "%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*")

func escape(part string) string {
	return unescaped.Replace(url.QueryEscape(part))
}
