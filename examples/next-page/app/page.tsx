/** How alike two texts of the address are: /?a=one+text&b=another */
import { embed, similarity, similarityOf } from "@modernbert-ts/pipelines";
import { model } from "../lib/model";

interface Props {
  readonly searchParams: Promise<{ readonly a?: string; readonly b?: string }>;
}

export default async function Page({ searchParams }: Props) {
  const { a = "a cat", b = "a dog" } = await searchParams;
  const alike = await model.use(async (pipeline) => {
    const [first, second] = await embed(pipeline, [a, b], { pooling: "mean", truncate: true });
    return similarity(similarityOf(pipeline), [first!], [second!])[0]![0]!;
  });
  return (
    <form>
      <input name="a" defaultValue={a} aria-label="First text" />
      <input name="b" defaultValue={b} aria-label="Second text" />
      <button>Compare</button>
      <p>{alike.toFixed(3)}</p>
    </form>
  );
}
