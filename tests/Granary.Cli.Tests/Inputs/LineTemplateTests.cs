using System.Text;

namespace Granary.Cli.Tests;

/// <summary>How an input line becomes a task.</summary>
public sealed class LineTemplateTests
{
    [Theory]
    [InlineData("sha256sum {}", "sha256sum", "{}")]
    [InlineData("  a   b ", "a", "b")]
    [InlineData("a 'b c' \"d e\"", "a", "b c", "d e")]
    [InlineData("a b\\ c", "a", "b c")]
    [InlineData("a \"say \\\"x\\\"\"", "a", "say \"x\"")]
    [InlineData("a 'it'\\''s'", "a", "it's")]
    [InlineData("a '' \"\"", "a", "", "")]
    [InlineData("C:\\bin\\x.exe --o={}.z", "C:\\bin\\x.exe", "--o={}.z")]
    [InlineData("a $HOME `x` *", "a", "$HOME", "`x`", "*")]
    public void A_command_is_split_into_words_without_a_shell(string command, params string[] words) =>
        Assert.Equal(words, CommandWords.Split(command));

    [Theory]
    [InlineData("a 'b", "--exec: the quote ' is not closed")]
    [InlineData("a \"b", "--exec: the quote \" is not closed")]
    [InlineData("  ", "--exec is empty")]
    public void A_command_that_cannot_be_split_is_refused(string command, string message) =>
        Assert.Equal(message, Assert.Throws<CliException>(() => CommandWords.Split(command)).Message);

    [Fact]
    public void A_line_is_one_argument_whatever_is_in_it()
    {
        var template = new ExecTemplate(["cp", "{}", "to/{}.bak"], "/data");
        Assert.Equal(
            """{"argv":["cp","a b; rm -rf '\" $HOME ü","to/a b; rm -rf '\" $HOME ü.bak"],"cwd":"/data"}""",
            Make(template, "a b; rm -rf '\" $HOME ü"));
    }

    [Theory]
    [InlineData("cat {} | wc -l", "cat \"${1}\" | wc -l")]
    [InlineData("cat \"{}\"", "cat \"${1}\"")]
    [InlineData("echo 'a {} b'", "echo 'a '\"${1}\"' b'")]
    [InlineData("echo \\'{}", "echo \\'\"${1}\"")]
    public void A_shell_script_is_given_the_line_as_a_parameter(string command, string script) =>
        Assert.Equal(script, CommandWords.ShellScript(command));

    [Theory]
    [InlineData("{}", "https://h/a?b=c d", "https://h/a?b=c d")]
    [InlineData("https://h/{}.html", "a/b ü", "https://h/a/b%20%C3%BC.html")]
    [InlineData("https://h/?q={}", "a/b&c", "https://h/?q=a%2Fb%26c")]
    [InlineData("{}?v={}", "http://h/x", "http://h/x?v=http%3A%2F%2Fh%2Fx")]
    public void A_line_is_encoded_as_its_place_in_the_url_needs(string url, string line, string expected) =>
        Assert.Equal($$"""{"url":"{{expected}}"}""", Make(new HttpTemplate(url), line));

    [Theory]
    [InlineData("ftp://h/x")]
    [InlineData("just words")]
    [InlineData("")]
    public void A_line_that_makes_no_http_url_is_refused(string line)
    {
        CliException fault = Assert.Throws<CliException>(() => Make(new HttpTemplate("{}"), line));
        Assert.Equal($"list.txt:7:1: \"{line}\" is not an http or https URL", fault.Message);
    }

    [Fact]
    public void A_line_is_the_arguments_of_a_task_as_JSON()
    {
        Assert.Equal("""{"a":[1,"x y"]}""", Make(new TaskTemplate("echo", null), """ { "a" : [ 1, "x y" ] } """));
        Assert.Equal("\"text\"", Make(new TaskTemplate("echo", null), "\"text\""));
    }

    [Theory]
    [InlineData("plain text", "list.txt:7:1: bad JSON: 'p' is an invalid start of a value.")]
    [InlineData("", "list.txt:7:1: the line ends in the middle of the JSON text")]
    [InlineData("{\"a\":1", "list.txt:7:7: the line ends in the middle of the JSON text")]
    [InlineData("{\"a\":1,\"a\":2}", "list.txt:7:8: the field \"a\" is given twice")]
    [InlineData("1 2", "list.txt:7:3: bad JSON: '2' is invalid after a single JSON value. Expected end of data.")]
    public void A_line_that_is_not_JSON_is_refused_with_its_place(string line, string message) =>
        Assert.Equal(message, Assert.Throws<CliException>(() => Make(new TaskTemplate("echo", null), line)).Message);

    [Fact]
    public void Args_are_the_same_for_all_with_the_line_in_their_texts() => Assert.Equal(
        """{"text":"<a \"b\">","n":[1,"a \"b\""]}""",
        Make(new TaskTemplate("echo", """{"text":"<{}>","n":[1,"{}"]}"""), "a \"b\""));

    private static string Make(LineTemplate template, string line) =>
        Encoding.UTF8.GetString(template.Make(new InputLine(7, Encoding.UTF8.GetBytes(line)), "list.txt").Args.Span);
}
