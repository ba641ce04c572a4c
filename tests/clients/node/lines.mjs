// Answers every line of standard input, JSON, with a line of JSON: {result} or {error}.

import { createInterface } from "node:readline";

export async function serve(answer) {
  for await (const line of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await attempt(answer, JSON.parse(line))));
  }
}

async function attempt(answer, question) {
  try {
    return { result: await answer(question) };
  } catch (error) {
    const { name, message } = error;
    return { error: { type: error.constructor.name, name, message, status: status(error) } };
  }
}

const status = (error) => error.status ?? error.statusCode ?? null;
