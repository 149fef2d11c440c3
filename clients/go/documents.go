package windlass

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	configv1 "windlass/client/gen/windlass/config/v1"
)

// ApplicationConfig makes one application of a config file into a message for UpdateApplication. document is what a
// reader of YAML or JSON makes of it in a map[string]any. It fails where a message cannot hold it, by an unknown field
// or a text for a number; the server checks the rest.
func ApplicationConfig(document map[string]any) (*configv1.ApplicationConfig, error) {
	message := &configv1.ApplicationConfig{}
	return message, fill(message, document)
}

// DeployConfig makes a whole config file into a message for ApplyConfig; else as [ApplicationConfig].
func DeployConfig(document map[string]any) (*configv1.DeployConfig, error) {
	message := &configv1.DeployConfig{}
	return message, fill(message, document)
}

// nullsField names the fields that were given as an explicit null, where absent means something else.
const nullsField = "explicit_nulls"

func fill(message proto.Message, document map[string]any) error {
	object, err := messageJSON(message.ProtoReflect().Descriptor(), document, "")
	if err != nil {
		return fmt.Errorf("the config does not fit a message: %w", err)
	}
	text, err := json.Marshal(object)
	if err == nil {
		err = protojson.Unmarshal(text, message)
	}
	if err != nil {
		return fmt.Errorf("the config does not fit a message: %w", err)
	}
	return nil
}

func messageJSON(kind protoreflect.MessageDescriptor, document any, path string) (map[string]any, error) {
	fields, ok := document.(map[string]any)
	if !ok {
		if path == "" {
			path = "it"
		}
		return nil, fmt.Errorf("%s must be a mapping, got %v", path, document)
	}
	made := map[string]any{}
	var nulls []string
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		value := fields[key]
		here := strings.TrimPrefix(path+"."+key, ".")
		field := kind.Fields().ByName(protoreflect.Name(key))
		if field == nil || key == nullsField {
			return nil, fmt.Errorf("%s is not known", here)
		}
		if value == nil {
			nulls = append(nulls, key)
			continue
		}
		inner, err := fieldJSON(field, value, here)
		if err != nil {
			return nil, err
		}
		made[key] = inner
	}
	if len(nulls) > 0 && kind.Fields().ByName(nullsField) != nil {
		made[nullsField] = nulls
	}
	return made, nil
}

func fieldJSON(field protoreflect.FieldDescriptor, value any, path string) (any, error) {
	kind := field.Message()
	if kind != nil && !field.IsMap() && strings.HasPrefix(string(kind.ParentFile().Package()), "windlass.") {
		list, isList := value.([]any)
		if !isList {
			return messageJSON(kind, value, path)
		}
		made := make([]any, len(list))
		for i, each := range list {
			inner, err := messageJSON(kind, each, fmt.Sprintf("%s[%d]", path, i))
			if err != nil {
				return nil, err
			}
			made[i] = inner
		}
		return made, nil
	}
	if text, ok := value.(string); ok && field.Enum() != nil {
		return enumName(field.Enum(), text), nil
	}
	return value, nil
}

var humps = regexp.MustCompile(`([a-z])([A-Z])`)

// enumName makes "max" AGGREGATION_FUNCTION_MAX, and "HeadOnly" PROXY_LOCATION_HEAD_ONLY.
func enumName(enum protoreflect.EnumDescriptor, text string) string {
	prefix := strings.TrimSuffix(string(enum.Values().Get(0).Name()), "UNSPECIFIED")
	return prefix + strings.ToUpper(humps.ReplaceAllString(text, "${1}_${2}"))
}
