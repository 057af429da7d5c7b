using System.Globalization;

namespace Granary.Grains.Faults.Checks;

/// <summary>What the checker counted. The first row must be all zeros.</summary>
internal sealed class Verdict
{
    private readonly List<string> _problems = [];

    public int LostSubmits { get; set; }
    public int ChangedOutcomes { get; set; }
    public int StepsOutOfOrder { get; set; }
    public int Unfinished { get; set; }
    public int TooManyAtOnce { get; set; }
    public int WrongResults { get; set; }
    public int Others { get; set; }

    public int Jobs { get; set; }
    public int Outcomes { get; set; }
    public int Executions { get; set; }
    public int GivenUp { get; set; }
    public int Stopped { get; set; }
    public long Fenced { get; set; }
    public long Lost { get; set; }
    public long Recovered { get; set; }

    public bool IsGood => _problems.Count == 0;

    public IEnumerable<string> Problems => _problems.Take(20);

    public void Add(string problem) => _problems.Add(problem);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"""
        lost submits {LostSubmits}, outcomes twice or changed {ChangedOutcomes}, steps out of order {
        StepsOutOfOrder}, unfinished {Unfinished}, too many at once {TooManyAtOnce}, wrong results {
        WrongResults}, others {Others}
        {Jobs} jobs, {Outcomes} outcomes, {Executions} executions of which {Stopped} were stopped and {
        GivenUp} went on after they were given up,
        {Fenced} writes fenced, {Lost} attempts lost, {Recovered} jobs recovered
        """);
}
