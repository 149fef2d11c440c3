// Reads a JSON list of config documents and prints one of messages, each on the wire in base64.
package main

import (
	"encoding/json"
	"log"
	"os"

	"google.golang.org/protobuf/proto"

	windlass "windlass/client"
)

func main() {
	var documents []map[string]any
	if err := json.NewDecoder(os.Stdin).Decode(&documents); err != nil {
		log.Fatal(err)
	}
	messages := [][]byte{}
	for _, document := range documents {
		message, err := windlass.DeployConfig(document)
		if err != nil {
			log.Fatal(err)
		}
		wire, err := proto.Marshal(message)
		if err != nil {
			log.Fatal(err)
		}
		messages = append(messages, wire)
	}
	if err := json.NewEncoder(os.Stdout).Encode(messages); err != nil {
		log.Fatal(err)
	}
}
