import { deployment } from "windlass";

class Shop {
  fetch(): Response {
    return Response.json({ open: true });
  }
}

export const app = deployment(Shop, { name: "my-deployment" }).bind();
