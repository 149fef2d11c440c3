package windlass

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	configv1 "windlass/client/gen/windlass/config/v1"
)

func TestApplicationConfig(t *testing.T) {
	got, err := ApplicationConfig(map[string]any{
		"name":         "a",
		"route_prefix": nil,
		"import_path":  "./app.ts:app",
		"runtime_env":  map[string]any{"env_vars": map[string]any{"A": "b", "C": nil}},
		"scaling":      map[string]any{"owner": "EXTERNAL"},
		"deployments": []any{
			map[string]any{"name": "d", "num_replicas": "auto", "max_ongoing_requests": 3, "user_config": nil},
			map[string]any{"name": "e", "num_replicas": 2.0},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	env, err := structpb.NewStruct(map[string]any{"env_vars": map[string]any{"A": "b", "C": nil}})
	if err != nil {
		t.Fatal(err)
	}
	want := &configv1.ApplicationConfig{
		Name:          proto.String("a"),
		ExplicitNulls: []string{"route_prefix"},
		ImportPath:    "./app.ts:app",
		RuntimeEnv:    env,
		Scaling:       &configv1.ScalingConfig{Owner: configv1.ScalingOwner_SCALING_OWNER_EXTERNAL},
		Deployments: []*configv1.DeploymentConfig{
			{
				Name:               "d",
				NumReplicas:        structpb.NewStringValue("auto"),
				MaxOngoingRequests: proto.Uint32(3),
				ExplicitNulls:      []string{"user_config"},
			},
			{Name: "e", NumReplicas: structpb.NewNumberValue(2)},
		},
	}
	if !proto.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestDeployConfigRefuses(t *testing.T) {
	for _, c := range []struct {
		name     string
		document map[string]any
		want     string
	}{
		{"an unknown field", map[string]any{"nope": 1}, "nope is not known"},
		{"one below", map[string]any{"applications": []any{map[string]any{"nope": 1}}}, "applications[0].nope is not known"},
		{"our own field", map[string]any{"applications": []any{map[string]any{"explicit_nulls": []any{}}}}, "is not known"},
		{"a text for a mapping", map[string]any{"http_options": "x"}, "http_options must be a mapping, got x"},
		{"a text for a number", map[string]any{"http_options": map[string]any{"port": "x"}}, "port"},
		{"an unknown name", map[string]any{"proxy_location": "Nowhere"}, "PROXY_LOCATION_NOWHERE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := DeployConfig(c.document)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v %v", got, err)
			}
		})
	}
}
