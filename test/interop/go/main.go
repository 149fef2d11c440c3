// Runs the cases of the interop matrix with grpc-go or connect-go and prints a line for each; see ../README.md.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
)

// Row is how calls are made.
type Row struct {
	Protocol    string `json:"protocol"`
	Codec       string `json:"codec"`
	Compression string `json:"compression"`
}

// Input is what the program is given on stdin.
type Input struct {
	Client  string   `json:"client"`
	Address string   `json:"address"`
	Token   string   `json:"token"`
	Rows    []Row    `json:"rows"`
	Cases   []string `json:"cases"`
}

// Result is a line of the output.
type Result struct {
	Row   int    `json:"row"`
	Case  string `json:"case"`
	Error string `json:"error,omitempty"`
}

func main() {
	var input Input
	if err := json.NewDecoder(bufio.NewReader(os.Stdin)).Decode(&input); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	out := json.NewEncoder(os.Stdout)
	for index, row := range input.Rows {
		caller, err := newCaller(input, row)
		for _, name := range input.Cases {
			result := Result{Row: index, Case: name}
			if failure := run(caller, err, name); failure != nil {
				result.Error = failure.Error()
			}
			_ = out.Encode(result)
		}
	}
}

func run(caller Caller, err error, name string) error {
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	test, known := cases[name]
	if !known {
		return fmt.Errorf("the case is not known")
	}
	return test(ctx, caller)
}

func newCaller(input Input, row Row) (Caller, error) {
	switch input.Client {
	case "grpc-go":
		return newGrpcCaller(input, row)
	case "connect-go":
		return newConnectCaller(input, row)
	}
	return nil, fmt.Errorf("client %q is not known", input.Client)
}
