import type { PolicyQuestion, PolicyReply, PolicyRunner } from "../../src/controller/policy-runner.ts";
import type { Clock } from "../../src/core/clock.ts";

/** Answers by a function of the question after some milliseconds; one that throws is a policy that failed. */
export class ScriptedPolicies implements PolicyRunner {
  readonly asked: PolicyQuestion[] = [];
  answer: (question: PolicyQuestion) => unknown = () => ({});
  delayMs = 3;
  /** Set by the test once there is one. */
  clock: Clock | undefined;
  #listener: (reply: PolicyReply) => void = () => {};

  onAnswer(listener: (reply: PolicyReply) => void): void {
    this.#listener = listener;
  }

  ask(question: PolicyQuestion): void {
    this.asked.push(question);
    const { id, application, deployment, code } = question;
    const outcome = this.#outcome(question);
    this.clock!.timer(this.delayMs, () =>
      this.#listener({ id, application, deployment, generation: code.generation, outcome }),
    );
  }

  #outcome(question: PolicyQuestion): PolicyReply["outcome"] {
    try {
      return { kind: "returned", value: this.answer(question), warning: null };
    } catch (error) {
      return { kind: "failed", reason: (error as Error).message };
    }
  }
}
