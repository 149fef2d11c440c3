// Runs the cases of test/clients/cases.ts through the client.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"

	windlass "windlass/client"
)

const (
	application = "client-go"
	feedName    = "applications/feed/deployments/Waiter"
	stillName   = "applications/plain/deployments/Still"
)

var (
	name     = windlass.ApplicationName(application)
	echoName = windlass.DeploymentName(application, "Echo")
)

func main() {
	began := runtime.NumGoroutine()
	client, err := windlass.New()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, each := range cases {
		if err := each.run(client); err != nil {
			fmt.Printf("not ok %s: %s\n", each.name, strings.Join(strings.Fields(err.Error()), " "))
		} else {
			fmt.Printf("ok %s\n", each.name)
		}
	}
	client.Close()
	closeIdle()
	left := func() (bool, error) { return runtime.NumGoroutine() <= began, nil }
	if err := until(left, "goroutines are left"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
		os.Exit(1)
	}
}
